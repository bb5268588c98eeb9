"""Handing an order over to dispatch: one attempt, and what its answer means."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass

import orjson

from teashop.orders.client import Client, retry_after_s, seconds
from teashop.orders.metrics import OrdersMetrics
from teashop.orders.outbox import Deferral, Delivery, Receipt
from teashop.orders.settings import RelaySettings
from teashop.serving.asgi import JSON_TYPE
from teashop.serving.client import Unavailable
from teashop.serving.clock import Clock

log = logging.getLogger("teashop.orders.handover")


@dataclass(frozen=True, kw_only=True, slots=True)
class Deferred:
    """A delivery to try again.

    Attributes:
        unreachable: dispatch gave no answer, or an error that is not a refusal.
    """

    deferral: Deferral
    unreachable: bool


class Handover:
    """Attempts towards dispatch. Belongs to one event loop; attempts may run side by side."""

    def __init__(
        self,
        client: Client,
        *,
        settings: RelaySettings,
        clock: Clock,
        rng: random.Random,
        metrics: OrdersMetrics,
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._metrics = metrics

    async def attempt(self, delivery: Delivery) -> Receipt | Deferred:
        """Ask dispatch once, within the settings' time-out."""
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
    ) -> Deferred:
        self._metrics.deliveries.labels(outcome).inc()
        delay_s = at_least_s + self._settings.backoff_s(delivery.attempts, self._rng)
        return Deferred(
            deferral=Deferral(order_id=delivery.order_id, delay_s=delay_s),
            unreachable=unreachable,
        )


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
        order_id=order_id, eta_s=seconds(eta_s), promised_at_s=seconds(answer.get("promised_at"))
    )
