"""A verdict for a person or a program, and refusals of runs: light, since --help waits for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from teastorm.cli.errors import USAGE, CommandError
from teastorm.cli.output import print_table, say
from teastorm.runner.folder import RUNS_DIR
from teastorm.runner.problems import RunProblem
from teastorm.verdict.errors import RunFolderError

if TYPE_CHECKING:
    from teastorm.verdict.result import Result


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """What the runner and the verdict refuse, as a refusal of the command."""
    try:
        yield
    except RunProblem as problem:
        raise CommandError(problem.exit_code, problem.sentence) from problem
    except RunFolderError as error:
        raise CommandError(USAGE, str(error)) from error


def existing_run(run_dir: Path) -> Path:
    """The folder, or a refusal that says what is wanted."""
    if not run_dir.is_dir():
        raise CommandError(USAGE, f"{run_dir} is no run folder; name a folder below {RUNS_DIR}/")
    return run_dir


def print_result(result: Result, exit_code: int) -> None:
    """The object of result.json, alone on standard output."""
    import orjson  # noqa: PLC0415 - only --json pays for it

    # A leftover after the verdict was computed makes the exit worse than the checks alone do.
    content = {**result.as_json(), "exit_code": exit_code}
    sys.stdout.write(orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY).decode() + "\n")
    sys.stdout.flush()


def show_checks(result: Result) -> None:
    """A line a check."""
    print_table(
        ("check", "status", "value", "limit", "unit", "why"),
        [
            (
                check.id,
                str(check.status),
                number(check.value),
                number(check.limit),
                check.unit,
                check.why if check.status != "pass" else "",
            )
            for check in result.checks
        ],
    )


def say_verdict(result: Result, exit_code: int) -> None:
    """The verdict, its reason and what to change."""
    style = "green" if exit_code == 0 else "red"
    say(f"{result.experiment} ({result.arm}, seed {result.seed}): {result.verdict}", style=style)
    say(f"  {result.reason}")
    for check in result.checks:
        if check.status == "fail" and check.fix:
            say(f"  {check.id}: {check.fix}")


def number(value: float | None) -> str:
    """A number for a table; a dash where there is none."""
    return "-" if value is None else f"{value:.4g}"
