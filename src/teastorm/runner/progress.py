"""What a person sees while a run goes on: one line that changes, or a line now and then.

Rates are of chats. Goodput here is a count of good answers in the last second; the verdict weighs
them by rung and is computed later.
"""

import os
import shutil
import sys
import threading
from typing import TextIO

from teastorm.chaos.session import Session, is_open
from teastorm.platforms.base import PlatformError

PLAIN_EVERY = 5
"""Without a terminal, a line every so many ticks: a log is read later, and by people."""


class Ticker:
    """Writes progress to `stream` (standard error), and sentences between. Thread-safe."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        # A dumb terminal cannot go back to the begin of a line.
        self._live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._lock = threading.Lock()
        self._ticks = 0
        self._width = 0
        self._shown = ""

    def say(self, sentence: str) -> None:
        """A line that stays."""
        with self._lock:
            self._clear()
            self._stream.write(f"{sentence}\n")
            self._stream.flush()

    def tick(self) -> None:
        """Show where the run is, if there is one with a load."""
        session = is_open()
        line = progress_line(session) if session is not None else ""
        with self._lock:
            self._ticks += 1
            if self._live and line:
                self._clear()
                # What wraps cannot be cleared again.
                shown = line[: max(1, shutil.get_terminal_size().columns - 1)]
                self._stream.write(shown)
                self._width = len(shown)
                self._stream.flush()
            elif line and line != self._shown and self._ticks % PLAIN_EVERY == 0:
                self._stream.write(f"{line}\n")
                self._stream.flush()
            self._shown = line

    def close(self) -> None:
        """Leave a clean line."""
        with self._lock:
            self._clear()
            self._stream.flush()

    def _clear(self) -> None:
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._width = 0


def progress_line(session: Session) -> str:
    """Phase, rates, replicas, time left; empty while nothing is offered."""
    if session.load is None or (now := session.load.progress()) is None:
        return ""
    return (
        f"{now.phase:<8} offered {now.offered_rps:5.0f}/s  good {now.good_rps:5.0f}/s  "
        f"refused {now.refused_rps:5.0f}/s  replicas {_replicas(session)}  {now.left_s:3.0f} s left"
    )


def _replicas(session: Session) -> str:
    try:
        replicas = session.platform.replicas()
    except PlatformError:
        return "?"
    ready = sum(replica.ready for replica in replicas)
    return f"{ready}/{max(len(replicas), sum(session.experiment.replicas.values()))}"
