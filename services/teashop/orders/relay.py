"""Delivers the outbox to dispatch: at least once, until dispatch has confirmed every order.

The relay is the one place that tries assignments again, so the outgoing client is asked for a
single attempt. Several replicas may relay side by side; leases keep them apart.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

from teashop.orders.client import Client, retry_after_s
from teashop.orders.metrics import OrdersMetrics
from teashop.orders.outbox import Deferral, Delivery, Outbox, Receipt
from teashop.orders.settings import RelaySettings
from teashop.resilience.retry import full_jitter_s
from teashop.serving.asgi import JSON_TYPE
from teashop.serving.client import Unavailable
from teashop.serving.clock import Clock
from teashop.serving.database import DatabaseUnavailable

log = logging.getLogger("teashop.orders.relay")

type InThread = Callable[[Callable[[], object]], Awaitable[object]]


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
        threads: a pool of its own, so that neither checkouts nor the relay starve each other.
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
        self._client = client
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
        claimed: list[Delivery] = []
        await self._in_thread(lambda: claimed.extend(self._outbox.claim(batch, lease_s=lease_s)))
        outcomes = await asyncio.gather(*map(self._deliver, claimed))
        receipts = [o for o in outcomes if isinstance(o, Receipt)]
        deferrals = [o for o in outcomes if isinstance(o, _Deferred)]
        plain = [d.deferral for d in deferrals]
        await self._in_thread(lambda: self._outbox.record(receipts, plain))
        self._metrics.orders.labels("assigned").inc(len(receipts))
        return Round(
            claimed=len(claimed),
            delivered=len(receipts),
            unreachable=sum(1 for d in deferrals if d.unreachable),
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
                await self._rest(self._backoff_s(troubles), self._stopping)
            else:
                troubles = 0
                if done.claimed < self._settings.batch:
                    await self._rest(self._settings.poll_s, self._stopping, self._wake)

    async def _deliver(self, delivery: Delivery) -> Receipt | _Deferred:
        body = orjson.dumps(
            {
                "order_id": delivery.order_id,
                "shop": delivery.shop,
                "drinks": delivery.quantity,
                "placed_s": delivery.placed_s,
            }
        )
        try:
            answer = await self._client.request(
                "dispatch",
                "POST",
                "/assignments",
                body=body,
                headers=(*JSON_TYPE, (b"idempotency-key", delivery.order_id.encode())),
                deadline_s=self._clock.now() + self._settings.timeout_s,
                idempotent=True,
                attempts=1,
            )
        except Unavailable:
            return self._defer(delivery, "unreachable", unreachable=True)
        if answer.status in {200, 201}:
            self._metrics.deliveries.labels("delivered").inc()
            return _receipt(delivery.order_id, answer.body)
        if answer.status in {429, 503}:
            asked = retry_after_s(answer)
            return self._defer(
                delivery, "refused", at_least_s=asked or 0.0, unreachable=asked is None
            )
        if answer.status < 500:
            # Nothing here gives an accepted order up: it stays pending where the audit shows it.
            log.error("dispatch answers %d to order %s", answer.status, delivery.order_id)
        return self._defer(delivery, "error", unreachable=answer.status >= 500)

    def _defer(
        self, delivery: Delivery, outcome: str, *, at_least_s: float = 0.0, unreachable: bool
    ) -> _Deferred:
        self._metrics.deliveries.labels(outcome).inc()
        delay_s = at_least_s + self._backoff_s(delivery.attempts)
        return _Deferred(
            deferral=Deferral(order_id=delivery.order_id, delay_s=delay_s),
            unreachable=unreachable,
        )

    def _backoff_s(self, attempt: int) -> float:
        s = self._settings
        return full_jitter_s(min(attempt, 30), s.backoff_base_s, s.backoff_cap_s, self._rng)

    async def _rest(self, seconds: float, *events: asyncio.Event) -> None:
        """Wait until the time has passed or one of the events is set."""
        waits = [asyncio.ensure_future(self._clock.sleep(seconds))]
        waits += [asyncio.ensure_future(_set(event)) for event in events]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Deferred:
    deferral: Deferral
    unreachable: bool


async def _set(event: asyncio.Event) -> None:
    await event.wait()


def _receipt(order_id: str, body: bytes) -> Receipt:
    """What dispatch's answer promises, if anything."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        return Receipt(order_id=order_id, eta_s=None)
    # The promise, which dispatch keeps or revises; its estimate only where there is no promise.
    eta_s = answer.get("promised_s", answer.get("eta_s"))
    return Receipt(
        order_id=order_id, eta_s=_number(eta_s), promised_at_s=_number(answer.get("promised_at"))
    )


def _number(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return float(value) if known and isinstance(value, int | float) else None
