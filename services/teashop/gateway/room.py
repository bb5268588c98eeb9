"""The places a dependency has: an adaptive limit, and a short queue in front of it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from teashop.resilience.admission import Limiter, LimitReached, Permit
from teashop.resilience.criticality import Criticality
from teashop.resilience.limit import Limit
from teashop.resilience.queue import PriorityCodelQueue, QueueConfig, QueueFull
from teashop.serving.clock import Clock


class NoRoom(Exception):
    """A dependency has no place for this request now.

    Attributes:
        reason: limit, queue_full, codel or deadline.
        waited: whether it stood in the queue before it was told so.
    """

    def __init__(self, reason: str, *, waited: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.waited = waited


@dataclass(eq=False, slots=True)
class _Waiter:
    """One request in the queue, woken with a permit or with a reason."""

    woken: asyncio.Future[Permit]


class Room:
    """Admission to one dependency. Belongs to one event loop.

    `enter` gives a permit at once, or after a short wait in criticality order, or raises
    `NoRoom`. Every permit has to be resolved through `leave`, which also wakes the next one.
    """

    def __init__(
        self, name: str, limit: Limit, queue: QueueConfig, *, wait_s: float, clock: Clock
    ) -> None:
        self.name = name
        self.limit = limit
        self._limiter = Limiter(limit)
        self._queue: PriorityCodelQueue[_Waiter] = PriorityCodelQueue(queue)
        self._capacity = queue.capacity
        self._wait_s = wait_s
        self._clock = clock
        self.full_moments = 0
        """How often a request found no place; the priority threshold looks at its growth."""
        self.left = 0
        """How many requests the dependency has finished."""

    @property
    def in_flight(self) -> int:
        """Permits given and not resolved."""
        return self._limiter.in_flight

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    @property
    def has_place(self) -> bool:
        """Whether a request would get a permit at once."""
        return not len(self._queue) and self._limiter.free > 0

    @property
    def has_headroom(self) -> bool:
        """Whether a sixth of the places is free: what the lowest level must leave to the others."""
        return not len(self._queue) and self._limiter.free * 6 >= self._limiter.bound

    async def enter(self, criticality: Criticality, deadline_s: float | None) -> Permit:
        """A permit, now or after a short wait.

        Raises:
            NoRoom: with the reason.
        """
        now = self._clock.now()
        if not len(self._queue):
            with contextlib.suppress(LimitReached):
                return self._limiter.acquire(now)
        if self._capacity == 0:
            self.full_moments += 1
            raise NoRoom("limit")
        waiter = _Waiter(asyncio.get_running_loop().create_future())
        try:
            evicted = self._queue.push(
                waiter, criticality=criticality, now_s=now, deadline_s=deadline_s
            )
        except QueueFull:
            self.full_moments += 1
            raise NoRoom("queue_full") from None
        if evicted is not None:
            self.full_moments += 1
            _refuse(evicted, "queue_full")
        return await self._wait(waiter)

    async def _wait(self, waiter: _Waiter) -> Permit:
        timer = asyncio.ensure_future(self._clock.sleep(self._wait_s))
        try:
            both: set[asyncio.Future[Any]] = {waiter.woken, timer}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            if not waiter.woken.done():
                self._queue.remove(waiter)
                waiter.woken.cancel()
        if waiter.woken.cancelled():
            self.full_moments += 1
            raise NoRoom("codel", waited=True)
        return waiter.woken.result()

    def leave(self, permit: Permit, outcome: str, rtt_s: float | None = None) -> None:
        """Resolve a permit (`ok`, `dropped` or `ignored`) and wake whoever is next."""
        now = self._clock.now()
        if outcome == "ok":
            permit.succeed(now, rtt_s)
        elif outcome == "dropped":
            permit.drop(now)
        else:
            permit.ignore()
        self.left += 1
        self._wake(now)

    def _wake(self, now: float) -> None:
        while len(self._queue) and self._limiter.free > 0:
            popped = self._queue.pop(now)
            for dropped, reason in popped.dropped:
                self.full_moments += 1
                _refuse(dropped, reason)
            if popped.item is None:
                return
            if not popped.item.woken.done():
                popped.item.woken.set_result(self._limiter.acquire(now))


def _refuse(waiter: _Waiter, reason: str) -> None:
    if not waiter.woken.done():
        waiter.woken.set_exception(NoRoom(reason, waited=True))
