"""The bulkhead in front of the database: a few threads and a bounded, ordered queue for them.

The event loop never touches the database. Work waits here by criticality (checkout behind payment
and status), is refused when the queue is full, the least critical first, and is dropped before it
reaches the database when nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
import bisect
import itertools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from teashop.resilience.criticality import Criticality
from teashop.resilience.deadline import Deadline
from teashop.resilience.rate import EwmaRate
from teashop.serving.clock import Clock


class WorkRefused(Exception):
    """The work was not begun.

    Attributes:
        reason: `limit` (the queue is full) or `deadline` (nobody waits for it any more).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"refused before the database: {reason}")
        self.reason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkersConfig:
    """How much may run and wait.

    Attributes:
        threads: transactions at once.
        waiting: entries in the queue.
        priorities: order the queue, and refuse, by criticality; off: first come, first served.
        deadlines: drop what is too late; off: work goes on.
    """

    threads: int
    waiting: int
    priorities: bool
    deadlines: bool

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.threads < 1:
            raise ValueError(f"threads must be at least 1, got {self.threads}")
        if self.waiting < 0:
            raise ValueError(f"waiting must be at least 0, got {self.waiting}")


@dataclass(order=True, slots=True)
class _Waiting:
    rank: int
    number: int
    deadline: Deadline = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class Workers:
    """Runs blocking work on a few threads. Belongs to one event loop.

    Args:
        observe: called on the thread with an operation's name and its seconds.
    """

    def __init__(
        self, config: WorkersConfig, *, clock: Clock, observe: Callable[[str, float], None]
    ) -> None:
        self._config = config
        self._clock = clock
        self._observe = observe
        self._pool = ThreadPoolExecutor(config.threads, thread_name_prefix="orders-db")
        self._queue: list[_Waiting] = []
        self._numbers = itertools.count()
        self._running = 0
        self._ended = EwmaRate(half_life_s=1.0)

    @property
    def waiting(self) -> int:
        """Entries in the queue."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """Threads at work, or promised to somebody."""
        return self._running

    async def run[T](
        self,
        work: Callable[[], T],
        *,
        operation: str,
        criticality: Criticality,
        deadline: Deadline,
    ) -> T:
        """Run `work` on a thread when it is its turn.

        A caller that is cancelled leaves the queue; work that runs already is finished, since a
        transaction cannot be called back, and its key keeps the answer.

        Raises:
            WorkRefused: it was not begun.
        """
        self._refuse_late(deadline)
        if self._running < self._config.threads:
            self._running += 1
        else:
            await self._wait_turn(criticality, deadline)
        loop = asyncio.get_running_loop()
        future = self._pool.submit(self._timed, work, operation)

        def done(_: Future[T]) -> None:
            loop.call_soon_threadsafe(self._ended_one)

        # The thread is free when the work has ended, not when the caller stopped waiting.
        future.add_done_callback(done)
        return await asyncio.wrap_future(future)

    def drain_rate_rps(self) -> float:
        """Pieces of work ended a second, of late; at least one for each thread.

        The floor is for a quiet past, of which the rate says nothing.
        """
        return max(float(self._config.threads), self._ended.per_second(self._clock.now()))

    async def close(self) -> None:
        """Wait for running transactions and end the threads."""
        await asyncio.get_running_loop().run_in_executor(None, self._pool.shutdown)

    def _timed[T](self, work: Callable[[], T], operation: str) -> T:
        started = self._clock.now()
        try:
            return work()
        finally:
            self._observe(operation, self._clock.now() - started)

    async def _wait_turn(self, criticality: Criticality, deadline: Deadline) -> None:
        rank = int(criticality) if self._config.priorities else 0
        if len(self._queue) >= self._config.waiting:
            self._make_room(rank)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = _Waiting(rank, next(self._numbers), deadline, turn)
        bisect.insort(self._queue, entry)
        try:
            await turn
        except asyncio.CancelledError:
            if entry in self._queue:
                self._queue.remove(entry)
            elif turn.done() and not turn.cancelled() and turn.exception() is None:
                self._pass_on()  # the turn had come in the same moment
            raise

    def _ended_one(self) -> None:
        self._ended.add(self._clock.now())
        self._pass_on()

    def _make_room(self, rank: int) -> None:
        """Put out the youngest of the least critical, if it is less critical than `rank`."""
        if not self._queue or self._queue[-1].rank <= rank:
            raise WorkRefused("limit")
        self._queue.pop().turn.set_exception(WorkRefused("limit"))

    def _pass_on(self) -> None:
        """Give a thread that became free to the next in the queue."""
        while self._queue:
            entry = self._queue.pop(0)
            if entry.turn.done():
                continue
            if self._is_late(entry.deadline):
                entry.turn.set_exception(WorkRefused("deadline"))
                continue
            entry.turn.set_result(None)
            return
        self._running -= 1

    def _is_late(self, deadline: Deadline) -> bool:
        return self._config.deadlines and deadline.expired(self._clock.now())

    def _refuse_late(self, deadline: Deadline) -> None:
        if self._is_late(deadline):
            raise WorkRefused("deadline")
