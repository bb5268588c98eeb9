"""POST /chat: down the ladder, one rung after the other, until something can be answered."""

from __future__ import annotations

from teashop.gateway.ask_ai import NoAnswer, ask_ai
from teashop.gateway.cheap import cheaper_answer, spared_answer
from teashop.gateway.door import Admitted, Inside
from teashop.gateway.parts import Parts
from teashop.gateway.refuse import refusal
from teashop.resilience.criticality import Criticality
from teashop.resilience.waiting_room import TicketInvalid, TicketTooEarly, TicketUsed
from teashop.serving.asgi import Problem, Response


def chat(parts: Parts) -> Inside:
    """The handler."""
    front = parts.front

    async def handle(admitted: Admitted) -> Response:
        holds = _redeemed(parts, admitted)
        if not holds:
            return await answer(admitted, admitted.criticality)
        try:
            return await answer(admitted, Criticality.CRITICAL)
        except BaseException:
            # Refused, failed or gone: nothing was had for the ticket.
            front.waiting_room.give_back(*_shown(admitted))
            parts.metrics.tickets.labels("given_back").inc()
            raise

    async def answer(admitted: Admitted, rank: Criticality) -> Response:
        held = front.held_back(rank, admitted.user, parts.clock.now())
        if not front.hears_out(held):
            raise refusal(parts, admitted.route, admitted.criticality, "priority", "inference")
        utterance = await _utterance(admitted)
        spared = spared_answer(parts, utterance, held, rank)
        if spared is not None:
            return spared
        reason, waited = "priority", False
        if front.may_ask(held, rank):
            try:
                return await ask_ai(parts, admitted, utterance, rank)
            except NoAnswer as none:
                reason, waited = none.reason, none.waited
        cheaper = cheaper_answer(parts, admitted, utterance, waited=waited, held=held)
        if cheaper is not None:
            return cheaper
        raise refusal(parts, admitted.route, admitted.criticality, reason, "inference")

    return handle


async def _utterance(admitted: Admitted) -> str:
    body = await admitted.request.json()
    text = body.get("utterance") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise Problem(400, "utterance", 'A chat needs {"utterance": "…"} with some text in it.')
    return text


def _shown(admitted: Admitted) -> tuple[str, str]:
    """The ticket and the key that came with it."""
    request = admitted.request
    token, key = (request.header(name) or b"" for name in (b"x-ticket", b"idempotency-key"))
    return token.decode("latin-1"), key.decode("latin-1")


def _redeemed(parts: Parts, admitted: Admitted) -> bool:
    """Whether a valid ticket came along, which is used up by that; False without one.

    Raises:
        Problem: 400 for a ticket that is not ours, 409 for one used up, 503 for one whose turn
            has not come.
    """
    if admitted.request.header(b"x-ticket") is None or not parts.protections.waiting_room:
        return False
    try:
        parts.front.waiting_room.redeem(*_shown(admitted), parts.clock.unix())
    except TicketTooEarly as early:
        raise refusal(
            parts,
            admitted.route,
            admitted.criticality,
            "limit",
            "inference",
            retry_after_s=early.retry_after_s,
        ) from None
    except TicketUsed:
        raise Problem(409, "ticket", "This ticket has been used.") from None
    except TicketInvalid as bad:
        raise Problem(400, "ticket", f"This ticket cannot be honoured: {bad}.") from None
    parts.metrics.tickets.labels("redeemed").inc()
    return True
