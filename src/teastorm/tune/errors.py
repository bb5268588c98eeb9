"""What keeps a tuning session from starting, as one sentence and an exit code."""

USAGE = 2
PRECONDITION = 3


class TuneInvalid(ValueError):
    """Something asked for that cannot be meant: one sentence naming what, where and the fix."""

    exit_code = USAGE


class SourceUnreachable(TuneInvalid):
    """A Prometheus that does not answer, fails, or lets nobody in; a run that did not come up."""

    exit_code = PRECONDITION
