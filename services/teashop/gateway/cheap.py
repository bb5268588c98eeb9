"""The rungs below AI: cache, rules, the menu, and a waiting-room ticket."""

from __future__ import annotations

from teashop.catalog import rules
from teashop.catalog.menu import MENU
from teashop.catalog.order import DrinkOrder
from teashop.gateway.door import Admitted
from teashop.gateway.parts import Parts
from teashop.resilience.criticality import Criticality
from teashop.resilience.front import Held
from teashop.resilience.ladder import Rung
from teashop.serving.asgi import Response, json_response

_MENU_ANSWER = json_response(
    200, {"order": None, "menu": MENU.to_json()}, headers=((b"x-degradation", b"menu"),)
)


def spared_answer(parts: Parts, utterance: str, held: Held, rank: Criticality) -> Response | None:
    """The order, if the AI is to be spared and cache or rules know what was meant."""
    if not parts.front.spares_ai(held, rank):
        return None
    known, source = _understood(parts, utterance)
    return None if known is None else _order(parts, known, source)


def cheaper_answer(
    parts: Parts, admitted: Admitted, utterance: str, *, waited: bool, held: Held
) -> Response | None:
    """The best answer to be had without AI, or nothing.

    Args:
        waited: the caller was kept waiting for the AI.
        held: whether, and with how many others, it was held back from the AI.
    """
    known, source = (None, "") if not parts.protections.ladder else _understood(parts, utterance)
    key = admitted.request.header(b"idempotency-key")
    rung = parts.front.below(
        parts.clock.now(),
        understood=known is not None,
        waited=waited,
        named=key is not None,
        held=held,
    )
    if rung is Rung.RULES and known is not None:
        return _order(parts, known, source)
    if rung is Rung.MENU:
        parts.metrics.answers.labels("chat", "menu", "200").inc()
        return _MENU_ANSWER
    if rung is Rung.TICKET and key is not None:
        return _ticket(parts, admitted, key.decode("latin-1"))
    return None


def _understood(parts: Parts, utterance: str) -> tuple[DrinkOrder | None, str]:
    known = parts.cache.get(utterance)
    return (rules.resolve(utterance), "rules") if known is None else (known, "cache")


def _order(parts: Parts, order: DrinkOrder, rung: str) -> Response:
    parts.metrics.answers.labels("chat", rung, "200").inc()
    return json_response(
        200,
        {"order": order.to_json(), "text": ""},
        headers=((b"x-degradation", rung.encode()),),
    )


def _ticket(parts: Parts, admitted: Admitted, key: str) -> Response:
    """A ticket for what the key names."""
    clock = parts.clock
    ticket = parts.front.ticket(admitted.user, key, clock.now(), clock.unix(), parts.rng)
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
            (b"retry-after", b"%d" % ticket.retry_after_s),
        ),
    )
