"""Delivers the outbox to dispatch: at least once, until dispatch has confirmed every order.

The relay is the one place that tries assignments again, so the outgoing client is asked for a
single attempt. Several replicas may relay side by side; leases keep them apart.
"""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass

from teashop.orders.client import Client
from teashop.orders.handover import Deferred, Handover
from teashop.orders.metrics import OrdersMetrics
from teashop.orders.outbox import Outbox, Receipt
from teashop.orders.settings import RelaySettings
from teashop.orders.threads import InThread
from teashop.serving.clock import Clock
from teashop.serving.database import DatabaseUnavailable

log = logging.getLogger("teashop.orders.relay")


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What one turn of the relay did."""

    claimed: int
    delivered: int
    unreachable: int
    """Deliveries to which dispatch gave no answer or an error that is not a refusal."""

    @property
    def is_down(self) -> bool:
        """Whether dispatch as a whole seems to be gone."""
        return self.claimed > 0 and self.unreachable == self.claimed


class Relay:
    """The background task. Belongs to one event loop.

    Args:
        in_thread: a thread of its own, so that neither checkouts nor the relay starve each other.
    """

    def __init__(
        self,
        outbox: Outbox,
        client: Client,
        *,
        settings: RelaySettings,
        clock: Clock,
        rng: random.Random,
        metrics: OrdersMetrics,
        in_thread: InThread,
    ) -> None:
        self._outbox = outbox
        self._handover = Handover(client, settings=settings, clock=clock, rng=rng, metrics=metrics)
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._metrics = metrics
        self._in_thread = in_thread
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to relay."""
        self._task = asyncio.create_task(self._run(), name="orders-relay")

    async def stop(self) -> None:
        """Finish the turn in progress, whose length time-outs bound, and end."""
        self._stopping.set()
        if self._task is not None:
            await self._task

    def wake(self) -> None:
        """Say that this replica has just written an order."""
        self._wake.set()

    async def turn(self) -> Round:
        """Claim what is due, deliver it side by side, and write down the outcome.

        Raises:
            DatabaseUnavailable: what was claimed returns when its lease ends.
        """
        batch, lease_s = self._settings.batch, self._settings.lease_s
        claimed = await self._in_thread(lambda: self._outbox.claim(batch, lease_s=lease_s))
        outcomes = await asyncio.gather(*map(self._handover.attempt, claimed))
        receipts = [o for o in outcomes if isinstance(o, Receipt)]
        deferred = [o for o in outcomes if isinstance(o, Deferred)]
        deferrals = [d.deferral for d in deferred]
        await self._in_thread(lambda: self._outbox.record(receipts, deferrals))
        self._metrics.orders.labels("assigned").inc(len(receipts))
        return Round(
            claimed=len(claimed),
            delivered=len(receipts),
            unreachable=sum(1 for d in deferred if d.unreachable),
        )

    async def _run(self) -> None:
        troubles = 0
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                done = await self.turn()
                trouble = done.is_down
            except DatabaseUnavailable as error:
                log.warning("the relay waits for the database: %s", error)
                done, trouble = Round(claimed=0, delivered=0, unreachable=0), True
            except Exception:
                # A relay that ended would lose every later assignment without a sound.
                log.exception("a turn of the relay failed")
                done, trouble = Round(claimed=0, delivered=0, unreachable=0), True
            if trouble:
                troubles += 1
                await self._rest(self._settings.backoff_s(troubles, self._rng), self._stopping)
            else:
                troubles = 0
                if done.claimed < self._settings.batch:
                    await self._rest(self._settings.poll_s, self._stopping, self._wake)

    async def _rest(self, seconds: float, *events: asyncio.Event) -> None:
        """Wait until the time has passed or one of the events is set."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds))]
        waits += [asyncio.ensure_future(_set(event)) for event in events]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


async def _set(event: asyncio.Event) -> None:
    await event.wait()
