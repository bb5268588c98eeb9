"""The running load as the session and the progress line see it."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

from teastorm.load.evidence import LoadReport
from teastorm.load.plan import LoadPlan
from teastorm.load.progress import Progress
from teastorm.load.start import start_load
from teastorm.platforms.base import Platform


class Load(Protocol):
    """A generator's process. Thread-safe."""

    def progress(self) -> Progress | None:
        """The latest report, about a second old while it runs; None before the first."""
        ...

    def running(self) -> bool:
        """Whether the process lives."""
        ...

    def finish(self, timeout_s: float) -> None:
        """Wait for its last answers; LoadError when it broke or takes too long."""
        ...

    def stop(self) -> None:
        """End it now; the log written so far stays."""
        ...


class Generator(Protocol):
    """A generator that was started: a process here, or jobs in a cluster."""

    @property
    def load_start_s(self) -> float:
        """When its first second begins, since t0."""
        ...

    @property
    def running(self) -> bool:
        """Whether it works."""
        ...

    def poll_progress(self) -> list[Progress]:
        """Lines since the last call."""
        ...

    def wait(self, timeout_s: float) -> LoadReport:
        """Block until its log is written; LoadError otherwise."""
        ...

    def stop(self) -> LoadReport | None:
        """End it now."""
        ...


def start_generator(
    platform: Platform, plan: LoadPlan, *, seed: int, run_dir: Path, t0_unix_s: float
) -> Generator:
    """Start the load where the platform wants it to come from; LoadError in one sentence."""
    inside = getattr(platform, "start_load", None)
    if inside is not None:
        started = inside(plan, seed=seed, run_dir=run_dir, t0_unix_s=t0_unix_s)
        if started is not None:
            return cast("Generator", started)
    with inherited(environment_of(platform)):
        return start_load(
            plan=plan,
            seed=seed,
            run_dir=run_dir,
            endpoints_file=platform.door_file,
            t0_unix_s=t0_unix_s,
        )


def environment_of(platform: Platform) -> Mapping[str, str]:
    """Variables by which a platform finds the run's other processes again, where it has any."""
    found = getattr(platform, "environment", None)
    return found if isinstance(found, Mapping) else {}


class RunningLoad:
    """`Load` over a generator."""

    def __init__(self, process: Generator) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._latest: Progress | None = None

    def progress(self) -> Progress | None:
        """See `Load`."""
        with self._lock:
            for line in self._process.poll_progress():
                self._latest = line
            return self._latest

    def running(self) -> bool:
        """See `Load`."""
        return self._process.running

    def finish(self, timeout_s: float) -> None:
        """See `Load`."""
        self._process.wait(timeout_s)

    def stop(self) -> None:
        """See `Load`."""
        self._process.stop()


@contextmanager
def inherited(variables: Mapping[str, str]) -> Iterator[None]:
    """Processes started inside have these variables too (the platform finds them by that)."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
