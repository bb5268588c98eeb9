"""Processes that simulate for one session."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from teastorm.spawning import deaf_to_interrupts, workers_started


@contextmanager
def workers(count: int) -> Iterator[Executor | None]:
    """So many, ended when the block is left; None for one, which is this process itself."""
    if count <= 1:
        yield None
        return
    pool = ProcessPoolExecutor(
        count, mp_context=multiprocessing.get_context("spawn"), initializer=deaf_to_interrupts
    )
    try:
        yield pool
    finally:
        # After an interrupt: what runs is let finish (seconds), what waits is not begun.
        pool.shutdown(wait=True, cancel_futures=True)


def each[Job, Found](
    work: Callable[[Job], Found], jobs: Sequence[Job], executor: Executor | None
) -> list[Found]:
    """What `work` makes of each job, in order; by this process itself when `executor` is None."""
    if executor is None:
        return [work(job) for job in jobs]
    with workers_started():  # a pool starts a worker when a job comes and none is idle
        asked = [executor.submit(work, job) for job in jobs]
    return [one.result() for one in asked]
