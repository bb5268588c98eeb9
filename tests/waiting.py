"""Waiting for a fact of another thread or process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PAUSE_S = 0.02
WITHIN_S = 60.0


def until(done: Callable[[], object], what: str, timeout_s: float = WITHIN_S) -> None:
    """Look until it is so; who waits for a process leaves the core to it between two looks.

    The bound is for what never comes. What comes late on a busy machine has not failed.
    """
    end_s, pause = time.monotonic() + timeout_s, threading.Event()
    while not done():
        assert time.monotonic() < end_s, f"not within {timeout_s:g} s: {what}"
        pause.wait(PAUSE_S)
