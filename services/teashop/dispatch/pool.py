"""Database work off the event loop, with a bounded queue before the threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from teashop.dispatch.database import DatabaseBusy
from teashop.serving.asgi import Problem


class Pool:
    """Runs blocking work on an executor. Belongs to one event loop.

    Args:
        executor: whose threads do the work.
        waiting: how many may be under way or wait; more are refused.
    """

    def __init__(self, executor: Executor, *, waiting: int) -> None:
        self._executor = executor
        self._waiting = waiting
        self._under_way = 0

    async def run[T](self, work: Callable[[], T]) -> T:
        """The result of `work`.

        Raises:
            Problem: 503 when too many wait, or when the database does not answer.
        """
        if self._under_way >= self._waiting:
            raise Problem(
                503,
                "queue_full",
                f"{self._waiting} requests already wait for dispatch's database.",
                retry_after_s=1,
                refused_for="dispatch",
            )
        try:
            return await self.run_anyway(work)
        except DatabaseBusy as error:
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
