"""The running load as the session and the progress line see it."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from teastorm.load.process import LoadProcess, Progress


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


class RunningLoad:
    """`Load` over the generator's process."""

    def __init__(self, process: LoadProcess) -> None:
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
