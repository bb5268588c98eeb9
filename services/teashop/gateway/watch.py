"""The gateway's own pulse: event-loop lag, the thresholds' steps, and the gauges."""

from __future__ import annotations

import asyncio
import contextlib

from teashop.gateway.parts import Parts
from teashop.gateway.room import Waiter
from teashop.resilience.pressure import Pressure
from teashop.resilience.room import Room

_PERIOD_S = 0.1


class Watch:
    """A background task; `start` and `stop` belong to the application's life."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._task: asyncio.Task[None] | None = None
        self._lag_s = 0.0

    async def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End the task."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        clock = self._parts.clock
        while True:
            before = clock.now()
            await clock.sleep(_PERIOD_S)
            self.step(max(0.0, clock.now() - before - _PERIOD_S))

    def step(self, lag_s: float) -> None:
        """One look at everything.

        Args:
            lag_s: how much later than asked the event loop woke.
        """
        parts = self._parts
        now = parts.clock.now()
        self._lag_s = 0.8 * self._lag_s + 0.2 * lag_s
        parts.metrics.lag.set(self._lag_s)
        front = parts.front
        front.observe(now, self._lag_s)
        self._show(front.ai, front.ai_room)
        self._show(front.orders, front.orders_room)

    def _show(self, pressure: Pressure, room: Room[Waiter]) -> None:
        metrics = self._parts.metrics
        metrics.in_flight.labels(room.name).set(room.in_flight)
        metrics.limit.labels(room.name).set(room.limit.limit)
        metrics.queue.labels(room.name).set(room.waiting)
        metrics.level.labels(room.name).set(int(pressure.threshold.level))
        metrics.share.labels(room.name).set(pressure.threshold.share)
