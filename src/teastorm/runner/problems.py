"""What keeps a run from being started or finished, as one sentence and an exit code."""

import difflib
from collections.abc import Iterable

USAGE = 2
PRECONDITION = 3
ROLLBACK_FAILED = 5
INTERNAL = 70
INTERRUPTED = 130


class RunProblem(Exception):
    """One sentence for a person (what, where, what to do) and the exit code for CI."""

    def __init__(self, exit_code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        self.sentence = sentence


def usage(sentence: str) -> RunProblem:
    """A problem of what was asked for."""
    return RunProblem(USAGE, sentence)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or all that is known when nothing is near."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(names)}"
