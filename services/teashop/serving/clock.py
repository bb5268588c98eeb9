"""Where time comes from: the system's monotonic clock, or a virtual one that tests move.

Nothing else in the shop calls `asyncio.sleep` or `time.monotonic`; lint holds that line.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock in seconds that can also be waited on."""

    def now(self) -> float:
        """Seconds since an arbitrary, fixed moment; never goes back."""
        ...

    def unix(self) -> float:
        """Seconds since 1970, for moments that several processes must agree on."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock's time."""
        ...


class SystemClock:
    """The machine's own clock. Safe to share between threads."""

    def now(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()

    def unix(self) -> float:
        """Seconds of `time.time`."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)  # noqa: TID251 - this is the one place that may


class VirtualClock:
    """A clock for tests: stands still until `advance`, then wakes sleepers in order.

    Not safe for use from several threads.
    """

    def __init__(self, *, start_s: float = 1000.0, unix_offset_s: float = 1.7e9) -> None:
        self._now = start_s
        self._unix_offset = unix_offset_s
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """The moment this clock stands at."""
        return self._now

    def unix(self) -> float:
        """The same moment on the wall."""
        return self._now + self._unix_offset

    async def sleep(self, seconds: float) -> None:
        """Wait until `advance` has passed the moment."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + max(seconds, 0.0), next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move the clock, letting every woken task run before time goes on."""
        target = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            wakes_at, _, woken = heapq.heappop(self._sleepers)
            self._now = max(self._now, wakes_at)
            if not woken.done():
                woken.set_result(None)
            await settle()
        self._now = target
        await settle()


async def settle(rounds: int = 20) -> None:
    """Let tasks that are ready run, a bounded number of turns of the event loop."""
    for _ in range(rounds):
        await asyncio.sleep(0)  # noqa: TID251 - yields without waiting
