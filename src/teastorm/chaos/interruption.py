"""SIGINT and SIGTERM as one flag that every wait looks at, and a shield for what must finish.

Handlers run in the main thread only, which is where Chaos Toolkit runs controls and foreground
activities; background activities see the flag. The first signal raises KeyboardInterrupt in the
main thread (at the end of a shield, if one is up); later ones are noted and change nothing, so
an impatient second Ctrl-C cannot cut a roll-back short.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

type Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers | None

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """The run's one stop flag. Thread-safe; `install` and `restore` belong to the main thread."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._shields = 0
        self._pending = False
        self._previous: dict[signal.Signals, Handler] = {}

    @property
    def requested(self) -> bool:
        """True once a signal came (or `request` was called)."""
        return self._stop.is_set()

    def request(self) -> None:
        """Ask everything that waits to stop, without a signal."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds`; True as soon as a stop was asked for."""
        return self._stop.wait(max(0.0, seconds))

    def install(self) -> None:
        """Take the signals over; does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread() or self._previous:
            return
        for number in _SIGNALS:
            self._previous[number] = signal.signal(number, self._on_signal)

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """A block that no signal cuts short; the interruption is raised after it, once."""
        in_main = threading.current_thread() is threading.main_thread()
        if in_main:
            self._shields += 1
        try:
            yield
        finally:
            if in_main:
                self._shields -= 1
        if in_main and self._pending and not self._shields:
            self._pending = False
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._stop.is_set():
            return
        self._stop.set()
        if self._shields:
            self._pending = True
            return
        raise KeyboardInterrupt
