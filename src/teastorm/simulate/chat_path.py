"""Chat: down the ladder, one rung after the other (as teashop/gateway's chat, ask_ai, cheap do)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from teashop.resilience.front import Held
from teashop.resilience.ladder import Rung
from teashop.resilience.waiting_room import TicketInvalid, TicketTooEarly, TicketUsed
from teastorm.simulate.ai_calls import AiCalls
from teastorm.simulate.timeouts import Timeouts
from teastorm.simulate.visit import CRITICAL, MENU_RUNG, RULES, UNANSWERED, Try, Visit

if TYPE_CHECKING:
    from teashop.resilience.front import Front
    from teastorm.simulate.crowd import Crowd
    from teastorm.simulate.fleet import Fleet
    from teastorm.simulate.loop import Loop

UNIX_S: Final = 1_770_336_000.0
"""When virtual time 0 is, for tickets (6 February 2026)."""
# Looking a member up on its class costs as much as a small call.
_NOT_HELD: Final = Held.NO
_LEVEL_HELD: Final = Held.LEVEL
_TICKET: Final = Rung.TICKET
_MENU: Final = Rung.MENU


class ChatPath(AiCalls):
    """The way to the AI, or down the ladder, through one gateway.

    Args:
        fleet, margin_s, call_timeouts: see `AiCalls`.
        timeouts: the clients' time-outs of chats.
        sooner: a chat's deadline comes before its client's time-out, so that the shop, which drops
            late work, always answers first.
    """

    __slots__ = ("_sooner", "_tickets_on", "_timeouts")

    def __init__(
        self,
        front: Front[Try],
        loop: Loop,
        rng: random.Random,
        back: Crowd,
        *,
        call_s: float,
        timeouts: Timeouts,
        fleet: Fleet,
        margin_s: float,
        call_timeouts: Timeouts,
        sooner: bool,
    ) -> None:
        super().__init__(
            front,
            loop,
            rng,
            back,
            call_s=call_s,
            fleet=fleet,
            margin_s=margin_s,
            call_timeouts=call_timeouts,
        )
        self._timeouts = timeouts
        self._sooner = sooner
        self._tickets_on = front.on.waiting_room

    def come(self, now_s: float, visit: Visit, deadline_s: float | None) -> None:
        """An attempt that got past the door."""
        self.now_s = now_s
        front = self.front
        rank = visit.rank
        wish = visit.wish
        if wish is not None and wish.ticket and self._tickets_on:
            if not self._redeemed(now_s, visit, wish.ticket):
                return
            rank = CRITICAL
        held = front.held_back(rank, visit.user, now_s)
        if held is _LEVEL_HELD and not front.hears_out(held):
            self._refused(now_s, visit, "priority")
            return
        if visit.understood and front.spares_ai(held, rank):
            self.back.answered(now_s, visit, RULES, 0.0)
            return
        if held is not _NOT_HELD and not front.may_ask(held, rank):
            self.cheaper(now_s, visit, "priority", False, held)
            return
        if not front.in_time(deadline_s, now_s):
            self.cheaper(now_s, visit, "late", False)
            return
        attempt = Try(visit, self, rank, deadline_s)
        found = self.room.ask(attempt, rank, now_s, deadline_s)
        if isinstance(found, str):
            self.cheaper(now_s, visit, found, False)
            return
        if deadline_s is None or not self._sooner:
            self._timeouts.add(now_s, attempt)
        if found is None:
            self.patience.add(now_s, attempt)
        else:
            attempt.permit = found
            attempt.started_s = now_s
            self._begin(now_s, attempt)

    def _redeemed(self, now_s: float, visit: Visit, token: str) -> bool:
        """Use up a ticket; False when its holder was answered here and now."""
        try:
            self.front.waiting_room.redeem(token, str(visit.number), UNIX_S + now_s)
        except TicketTooEarly as early:
            self.refuse(now_s, visit, "limit", "inference", early.retry_after_s)
            return False
        except (TicketUsed, TicketInvalid):
            self.back.answered(now_s, visit, UNANSWERED, 0.0)
            return False
        return True

    def _refused(self, now_s: float, visit: Visit, reason: str) -> None:
        """No answer at all: a ticket that was shown is given back."""
        wish = visit.wish
        if wish is not None and wish.ticket and self._tickets_on:
            self.front.waiting_room.give_back(wish.ticket, str(visit.number))
        self.refuse(now_s, visit, reason, "inference")

    def turned_away(self, now_s: float, attempt: Try, reason: str) -> None:
        """Stood in line and got no permit."""
        self.now_s = now_s
        self._no_answer(now_s, attempt, reason, True)

    def cheaper(
        self, now_s: float, visit: Visit, reason: str, waited: bool, held: Held = _NOT_HELD
    ) -> None:
        """An answer without AI, or a refusal."""
        front = self.front
        rung = front.below(now_s, visit.understood, waited, True, held)
        if rung is None:
            self._refused(now_s, visit, reason)
        elif rung is _TICKET:
            key = str(visit.number)
            ticket = front.ticket(visit.user, key, now_s, UNIX_S + now_s, self.rng)
            self.back.ticketed(now_s, visit, ticket)
        else:
            self.back.answered(now_s, visit, MENU_RUNG if rung is _MENU else RULES, 0.0)
