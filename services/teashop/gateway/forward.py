"""Checkout, payment and status: forwarded to orders, never waiting on AI."""

from __future__ import annotations

from teashop.gateway.door import NO_LADDER, Admitted, Inside
from teashop.gateway.parts import Parts
from teashop.gateway.refuse import refusal
from teashop.gateway.room import NoRoom
from teashop.serving.asgi import JSON_TYPE, Problem, Response
from teashop.serving.client import Answer, Unavailable

_PASSED_ON = (b"x-user", b"idempotency-key", b"traceparent")


def forward(parts: Parts) -> Inside:
    """A handler that asks orders the same thing and passes its answer on."""

    async def handle(admitted: Admitted) -> Response:
        route = admitted.route
        if route.name == "checkout" and admitted.request.header(b"idempotency-key") is None:
            raise Problem(400, "key", "A checkout needs an Idempotency-Key.")
        now = parts.clock.now()
        if not parts.front.orders_admit(admitted.criticality, admitted.user, now):
            raise refusal(parts, route, admitted.criticality, "priority", "orders")
        body = await admitted.request.body() if route.method == "POST" else b""
        try:
            answer = await _ask(parts, admitted, body)
        except NoRoom as full:
            raise refusal(parts, route, admitted.criticality, full.reason, "orders") from None
        except Unavailable as gone:
            raise refusal(
                parts, route, admitted.criticality, gone.reason, "orders", retry_after_s=1.0
            ) from None
        if answer.status >= 500 or answer.status == 429:
            raise _failure(parts, admitted, answer)
        parts.metrics.answers.labels(route.name, "none", str(answer.status)).inc()
        kind = answer.headers.get("Content-Type", "application/json").encode()
        return Response(answer.status, answer.body, ((b"content-type", kind), *NO_LADDER))

    return handle


async def _ask(parts: Parts, admitted: Admitted, body: bytes) -> Answer:
    """One question to orders, within its room."""
    permit = await parts.orders_room.enter(admitted.criticality, admitted.deadline_s)
    request = admitted.request
    headers = JSON_TYPE if body else ()
    headers += ((b"x-criticality", admitted.criticality.label.encode()),)
    headers += tuple((n, v) for n in _PASSED_ON if (v := request.header(n)) is not None)
    path = "/orders" if admitted.route.name == "checkout" else request.path
    started = parts.clock.now()
    outcome = "ignored"
    try:
        answer = await parts.client.request(
            "orders",
            admitted.route.method,
            path,
            body=body,
            headers=headers,
            deadline_s=admitted.deadline_s,
        )
        # A refusal for dispatch's sake tells nothing of orders itself.
        congested = answer.refused and answer.headers.get("X-Refused-For") == "orders"
        outcome = "dropped" if congested else "ok"
    except Unavailable as gone:
        outcome = "dropped" if gone.reason == "deadline" else "ignored"
        raise
    else:
        return answer
    finally:
        now = parts.clock.now()
        parts.front.orders_backlog.finished(now)
        parts.orders_room.leave(permit, outcome, now - started)


def _failure(parts: Parts, admitted: Admitted, answer: Answer) -> Problem:
    """What the client is told when orders refused or failed."""
    if answer.refused:
        after = answer.headers.get("Retry-After", "")
        return refusal(
            parts,
            admitted.route,
            admitted.criticality,
            answer.headers.get("X-Refusal", "dependency"),
            answer.headers.get("X-Refused-For", "orders"),
            retry_after_s=float(after) if after.isdigit() else None,
        )
    return refusal(parts, admitted.route, admitted.criticality, "dependency", "orders")
