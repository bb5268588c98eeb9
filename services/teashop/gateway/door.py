"""What happens before a request's body is read: counting, quota, the door's own threshold.

A refusal here costs tens of microseconds; everything dearer comes after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from teashop.gateway.parts import Parts
from teashop.gateway.refuse import refusal
from teashop.gateway.routes import Route
from teashop.resilience.criticality import Criticality, lowered, parse
from teashop.resilience.deadline import Deadline, from_header
from teashop.resilience.quota import QuotaExceeded
from teashop.serving.asgi import Handler, Headers, Problem, Request, Response

type Inside = Callable[[Admitted], Awaitable[Response]]

NO_LADDER: Headers = ((b"x-degradation", b"none"),)
"""Of an answer that is on no rung: of a route without a ladder, or to what cannot be asked so."""
REFUSALS = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that got past the door."""

    request: Request
    route: Route
    criticality: Criticality
    user: str
    deadline: Deadline | None

    @property
    def deadline_s(self) -> float | None:
        """The moment after which nobody waits, if deadlines are on."""
        return None if self.deadline is None else self.deadline.at_s


def guarded(parts: Parts, route: Route, inside: Inside) -> Handler:
    """A handler that lets a request in to `inside`, or refuses it."""
    metrics = parts.metrics
    offered = {c: metrics.offered.labels(route.name, c.label) for c in Criticality}
    admitted = {c: metrics.admitted.labels(route.name, c.label) for c in Criticality}
    took = metrics.answer_seconds.labels(route.name)

    async def handle(request: Request) -> Response:
        now = request.received_s
        asked = request.header(b"x-criticality")
        criticality = route.criticality if asked is None else _lowered(route, asked)
        offered[criticality].inc()
        user = (request.header(b"x-user") or b"").decode("latin-1")
        try:
            let_in = parts.front.lets_in(criticality, user, now)
        except QuotaExceeded as over:
            raise refusal(
                parts, route, criticality, "quota", "gateway", retry_after_s=over.retry_after_s
            ) from None
        if not let_in:
            raise refusal(parts, route, criticality, "priority", "gateway")
        deadline = _deadline(parts, request, now)
        if deadline is not None and deadline.expired(now):
            raise refusal(parts, route, criticality, "late", "gateway")
        admitted[criticality].inc()
        try:
            response = await inside(Admitted(request, route, criticality, user, deadline))
        except Problem as problem:
            rung = "refused"
            if problem.status not in REFUSALS:
                rung = "none"
                problem.headers += NO_LADDER
            metrics.answers.labels(route.name, rung, str(problem.status)).inc()
            raise
        took.observe(parts.clock.now() - now)
        return response

    return handle


def _lowered(route: Route, asked: bytes) -> Criticality:
    """The criticality after a client's wish; a wish that cannot be read changes nothing."""
    try:
        return lowered(route.criticality, parse(asked.decode("latin-1")))
    except ValueError:
        return route.criticality


def _deadline(parts: Parts, request: Request, now_s: float) -> Deadline | None:
    if not parts.protections.deadlines:
        return None
    settings = parts.settings
    return from_header(
        request.header(b"x-request-timeout-ms"),
        now_s,
        settings.default_deadline_s,
        settings.max_deadline_s,
    )
