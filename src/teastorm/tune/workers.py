"""Processes that simulate for one session."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager


@contextmanager
def workers(count: int) -> Iterator[Executor | None]:
    """So many, ended when the block is left; None for one, which is this process itself."""
    if count <= 1:
        yield None
        return
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=_deaf_to_interrupts
    )
    try:
        yield pool
    finally:
        # After an interrupt: what runs is let finish (seconds), what waits is not begun.
        pool.shutdown(wait=True, cancel_futures=True)


def _deaf_to_interrupts() -> None:
    """Ctrl-C reaches the whole process group; only the session answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
