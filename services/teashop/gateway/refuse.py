"""Refusals: counted, labelled, with the time after which another try makes sense."""

from __future__ import annotations

from teashop.gateway.parts import Parts
from teashop.gateway.routes import Route
from teashop.resilience.criticality import Criticality
from teashop.serving.asgi import Headers, Problem

REFUSED: Headers = ((b"x-degradation", b"refused"),)
_DETAIL = {
    "quota": "You have sent more than your quota allows.",
    "priority": "The shop is full, and serves more urgent requests first.",
    "limit": "The shop is full.",
    "queue_full": "The shop is full.",
    "codel": "The queue moves too slowly to serve you in time.",
    "late": "You came with too little time left for any answer.",
    "deadline": "Your time ran out before an answer was ready.",
    "breaker": "A part of the shop is not answering.",
    "dependency": "A part of the shop is not answering.",
    "draining": "This replica is closing.",
    "backpressure": "The street is full of orders.",
}


def refusal(
    parts: Parts,
    route: Route,
    criticality: Criticality,
    reason: str,
    refused_for: str,
    *,
    retry_after_s: float | None = None,
) -> Problem:
    """The refusal of one request, already counted; to be raised.

    Args:
        retry_after_s: instead of the time that the backlog tells.
    """
    front = parts.front
    seconds = front.comebacks.after_s(refused_for, parts.clock.now(), parts.rng, retry_after_s)
    pressure = {"inference": front.ai, "orders": front.orders}.get(refused_for, front.door)
    parts.metrics.refused.labels(route.name, criticality.label, reason, refused_for).inc()
    return Problem(
        429 if reason == "quota" else 503,
        reason,
        _DETAIL.get(reason, "The shop cannot serve you now."),
        retry_after_s=seconds,
        refused_for=refused_for,
        headers=(*REFUSED, (b"x-threshold", pressure.announced())),
    )
