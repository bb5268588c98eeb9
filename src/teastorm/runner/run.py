"""One experiment, run in this process through Chaos Toolkit, from the file to the verdict."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from teastorm.chaos.host import Host, announce, leave
from teastorm.chaos.interruption import Interruption
from teastorm.runner import experiment as experiments
from teastorm.runner.closing import Outcome
from teastorm.runner.opening import Options
from teastorm.runner.place import runs_on
from teastorm.runner.problems import INTERRUPTED, usage
from teastorm.runner.progress import Ticker
from teastorm.runner.wishes import changed

ARMS = ("protected", "unprotected")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What to run. `factor` and `duration_s` replace the experiment's own when given."""

    path: Path
    arm: str = "protected"
    seed: int = 1
    platform: str = "local"
    with_protections: tuple[str, ...] = ()
    without_protections: tuple[str, ...] = ()
    factor: float | None = None
    duration_s: float | None = None
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        if self.arm not in ARMS:
            raise ValueError(f"arm must be protected or unprotected, got {self.arm!r}")


def prepared(wish: Wish) -> experiments.Experiment:
    """The experiment with the wishes in it, checked; RunProblem (2) otherwise."""
    plain = experiments.read(wish.path)
    if not 0 <= wish.seed < 2**31:
        raise usage(f"seed must be between 0 and 2147483647, got {wish.seed}")
    document = changed(
        plain.document,
        factor=wish.factor,
        duration_s=wish.duration_s,
        with_protections=wish.with_protections,
        without_protections=wish.without_protections,
        source=wish.path,
    )
    experiment = experiments.check(document, wish.path)
    runs_on(experiment, wish.platform)
    return experiment


def run(wish: Wish, *, ticker: Ticker | None = None) -> Outcome:
    """Run it. RunProblem (2) before anything starts; whatever comes later is in the outcome.

    Signals are taken over meanwhile: faults are rolled back first, everything started is ended,
    and the outcome's exit code is 130. Call it from the main thread.
    """
    from chaoslib.experiment import run_experiment  # noqa: PLC0415 - a second of imports

    experiment = prepared(wish)
    here = Host(options=wish.options, interruption=Interruption())
    variables = {
        "teastorm_platform": wish.platform,
        "teastorm_arm": wish.arm,
        "teastorm_seed": wish.seed,
    }
    announce(here)
    try:
        with _quiet_toolkit(), _ticking(ticker):
            run_experiment(experiment.document, settings={}, experiment_vars=(variables, {}))
    except KeyboardInterrupt:
        here.interruption.request()
    finally:
        here.interruption.restore()
        leave()
    return here.outcome or Outcome(exit_code=INTERRUPTED, run_dir=None, result=None)


@contextmanager
def _quiet_toolkit() -> Iterator[None]:
    """Chaos Toolkit's log goes nowhere: the journal and our own lines say what it would."""
    logger = logging.getLogger("chaostoolkit")
    quiet = logging.NullHandler()
    logger.addHandler(quiet)
    before, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = before
        logger.removeHandler(quiet)


@contextmanager
def _ticking(ticker: Ticker | None) -> Iterator[None]:
    """Show progress once a second from a thread of its own."""
    if ticker is None:
        yield
        return
    over = threading.Event()

    def tick() -> None:
        while not over.wait(1.0):
            ticker.tick()

    thread = threading.Thread(target=tick, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=2.0)
        ticker.close()
