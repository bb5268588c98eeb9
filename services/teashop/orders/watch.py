"""Keeps the gauges of the shared database fresh: coupons left, outbox pending."""

from __future__ import annotations

import asyncio
import logging

from teashop.orders.audit import Audit
from teashop.orders.metrics import OrdersMetrics
from teashop.orders.outbox import Outbox
from teashop.orders.threads import InThread
from teashop.serving.clock import Clock
from teashop.serving.database import DatabaseUnavailable

log = logging.getLogger("teashop.orders.watch")


class Watch:
    """The background task. Belongs to one event loop."""

    def __init__(
        self,
        audit: Audit,
        outbox: Outbox,
        *,
        clock: Clock,
        metrics: OrdersMetrics,
        in_thread: InThread,
        period_s: float = 1.0,
    ) -> None:
        self._audit = audit
        self._outbox = outbox
        self._clock = clock
        self._metrics = metrics
        self._in_thread = in_thread
        self._period_s = period_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, then go on looking."""
        await self.look()
        self._task = asyncio.create_task(self._run(), name="orders-watch")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Read both gauges; a database that does not answer leaves the last values."""
        try:
            coupons, pending = await self._in_thread(
                lambda: (self._audit.coupons(), self._outbox.pending())
            )
        except DatabaseUnavailable as error:
            log.warning("the gauges are stale: %s", error)
            return
        self._metrics.coupons_left.set(coupons.left)
        self._metrics.outbox_pending.set(pending)

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(self._period_s)
            await self.look()
