"""The rungs below AI: cache, rules, the menu, and a waiting-room ticket."""

from __future__ import annotations

from teashop.catalog import rules
from teashop.catalog.menu import MENU
from teashop.catalog.order import DrinkOrder
from teashop.gateway.door import Admitted
from teashop.gateway.parts import Parts
from teashop.resilience.quota import QuotaExceeded, Quotas
from teashop.serving.asgi import Response, json_response

_MENU_ANSWER = json_response(
    200, {"order": None, "menu": MENU.to_json()}, headers=((b"x-degradation", b"menu"),)
)


def cheaper_answer(
    parts: Parts, admitted: Admitted, utterance: str, *, waited: bool
) -> Response | None:
    """The best answer to be had without AI, or nothing.

    Rules and cache answer whoever they understand. The menu and tickets are bounded: a menu
    that everybody gets would only bring everybody back at once, and a ticket is a promise.

    Args:
        waited: the caller was kept waiting for the AI; the bound is not for those, since a
            refusal that comes late is worth less than one at once.
    """
    if not parts.protections.ladder:
        return _ticket(parts, admitted)
    known = parts.cache.get(utterance)
    if known is not None:
        return _order(parts, known, "cache")
    resolved = rules.resolve(utterance)
    if resolved is not None:
        return _order(parts, resolved, "rules")
    if waited or _spend(parts.tokens_menu, parts.clock.now()):
        parts.metrics.answers.labels("chat", "menu", "200").inc()
        return _MENU_ANSWER
    return _ticket(parts, admitted)


def _order(parts: Parts, order: DrinkOrder, rung: str) -> Response:
    parts.metrics.answers.labels("chat", rung, "200").inc()
    return json_response(
        200,
        {"order": order.to_json(), "text": ""},
        headers=((b"x-degradation", rung.encode()),),
    )


def _ticket(parts: Parts, admitted: Admitted) -> Response | None:
    """A ticket, while the waiting room has place and the caller can name what it is for."""
    key = admitted.request.header(b"idempotency-key")
    if not parts.protections.waiting_room or key is None:
        return None
    now = parts.clock.now()
    rate_rps = parts.ai_backlog.rate_rps(now)
    if not parts.waiting_room.has_room(parts.ai_room.waiting, rate_rps):
        return None
    if not _spend(parts.tokens_ticket, now):
        return None
    ticket = parts.waiting_room.issue(
        admitted.user,
        key.decode("latin-1"),
        parts.clock.unix(),
        parts.ai_backlog.size(now, parts.ai_room.waiting),
        rate_rps,
        parts.rng,
    )
    parts.metrics.tickets.labels("issued").inc()
    parts.metrics.answers.labels("chat", "ticket", "202").inc()
    return json_response(
        202,
        {
            "ticket": ticket.token,
            "position": ticket.position,
            "position_error": ticket.position_error,
            "eta_s": ticket.eta_s,
        },
        headers=(
            (b"x-degradation", b"ticket"),
            (b"retry-after", b"%d" % max(1, round(ticket.eta_s))),
        ),
    )


def _spend(tokens: Quotas, now_s: float) -> bool:
    try:
        tokens.take("", now_s)
    except QuotaExceeded:
        return False
    return True
