"""Database work off the event loop, with a bounded queue before the threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from teashop.resilience.deadline import Deadline
from teashop.serving.asgi import Problem
from teashop.serving.clock import Clock
from teashop.serving.database import DatabaseUnavailable


class Pool:
    """Runs blocking work on an executor. Belongs to one event loop.

    Args:
        executor: whose threads do the work.
        waiting: how many may be under way or wait; more are refused.
        clock: read from the executor's threads too.
    """

    def __init__(self, executor: Executor, *, waiting: int, clock: Clock) -> None:
        self._executor = executor
        self._waiting = waiting
        self._clock = clock
        self._under_way = 0

    async def run[T](self, work: Callable[[], T], *, deadline: Deadline | None = None) -> T:
        """The result of `work`.

        Args:
            deadline: work that gets a thread only after it is dropped.

        Raises:
            Problem: 503 when too many wait, when nobody waits for the answer any more, or when the
                database does not answer.
        """

        def in_time() -> T:
            if deadline is not None and deadline.expired(self._clock.now()):
                raise Problem(
                    503,
                    "deadline",
                    "The time for this request had passed before dispatch could begin.",
                    retry_after_s=1,
                    refused_for="dispatch",
                )
            return work()

        if self._under_way >= self._waiting:
            raise Problem(
                503,
                "queue_full",
                f"{self._waiting} requests already wait for dispatch's database.",
                retry_after_s=1,
                refused_for="dispatch",
            )
        try:
            return await self.run_anyway(in_time)
        except DatabaseUnavailable as error:
            raise Problem(
                503, "dependency", str(error), retry_after_s=1, refused_for="dispatch"
            ) from None

    async def run_anyway[T](self, work: Callable[[], T]) -> T:
        """The result of work that is never refused: the leader's round, start-up."""
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """Wait for work under way and end the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)
