"""Chat: down the ladder, one rung after the other (as teashop/gateway's chat, ask_ai, cheap do)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from teashop.resilience.front import Held, ai_outcome
from teashop.resilience.outgoing import Target
from teashop.resilience.sequence import Outcome, QueueFull, Sequence
from teashop.resilience.waiting_room import TicketInvalid, TicketTooEarly, TicketUsed
from teastorm.simulate.paths import Path
from teastorm.simulate.timeouts import Timeouts, holds_permit
from teastorm.simulate.visit import CRITICAL, FULL, MENU_RUNG, RULES, SHORT, UNANSWERED, Try, Visit

if TYPE_CHECKING:
    from teashop.resilience.front import Front
    from teastorm.simulate.crowd import Crowd
    from teastorm.simulate.fleet import Fleet
    from teastorm.simulate.loop import Loop

UNIX_S: Final = 1_770_336_000.0
"""When virtual time 0 is, for tickets (6 February 2026)."""
_NOT_HELD: Final = Held.NO
_LEVEL_HELD: Final = Held.LEVEL
_FINISHED: Final = Outcome.FINISHED
_EXPIRED: Final = Outcome.EXPIRED
_EVICTED: Final = Outcome.EVICTED
_TICKET: Final = "ticket"
"""Looking a member up on its class costs as much as a small call."""


class ChatPath(Path):
    """The way to the AI, or down the ladder, through one gateway.

    Args:
        fleet: the inference replicas.
        timeouts: the clients' time-outs of chats.
        margin_s: what inference keeps of the caller's time for the answer's way back.
        call_timeouts: this gateway's own, of calls to inference.
        sooner: a chat's deadline comes before its client's time-out, so that the shop, which drops
            late work, always answers first.
    """

    __slots__ = ("_call_timeouts", "_fleet", "_margin_s", "_sooner", "_target", "_timeouts")

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
        room, wait_s = front.ai_room, front.config.ai_wait_s
        super().__init__(front, loop, rng, back, room=room, wait_s=wait_s, call_s=call_s)
        self._timeouts = timeouts
        self._fleet = fleet
        self._margin_s = margin_s
        self._call_timeouts = call_timeouts
        self._sooner = sooner
        self._target = Target(front.on)

    def come(self, now_s: float, visit: Visit, deadline_s: float | None) -> None:
        """An attempt that got past the door."""
        self.now_s = now_s
        front = self.front
        rank = visit.rank
        wish = visit.wish
        if wish is not None and wish.ticket and front.on.waiting_room:
            if not self._redeemed(now_s, visit, wish.ticket):
                return
            rank = CRITICAL
        held = front.held_back(rank, visit.user, now_s)
        if held is _LEVEL_HELD:
            self.refuse(now_s, visit, "priority", "inference")
        elif held is not _NOT_HELD and not front.may_ask(held, rank):
            self._cheaper(now_s, visit, "priority", False)
        elif not front.in_time(deadline_s, now_s):
            self._cheaper(now_s, visit, "late", False)
        else:
            self._enter(now_s, visit, rank, deadline_s)

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

    def _enter(self, now_s: float, visit: Visit, rank: int, deadline_s: float | None) -> None:
        attempt = Try(visit, self, rank, deadline_s)
        found = self.room.ask(attempt, rank, now_s, deadline_s)
        if isinstance(found, str):
            self._cheaper(now_s, visit, found, False)
            return
        if deadline_s is None or not self._sooner:
            self._timeouts.add(now_s, attempt)
        if found is None:
            self.patience.add(now_s, attempt)
        else:
            attempt.permit = found
            attempt.started_s = now_s
            self._begin(now_s, attempt)

    def turned_away(self, now_s: float, attempt: Try, reason: str) -> None:
        """Stood in line and got no permit."""
        self.now_s = now_s
        self._no_answer(now_s, attempt, reason, True)

    def ask(self, now_s: float, attempt: Try) -> None:
        """With a permit after a wait: ask inference, if there is still time."""
        attempt.started_s = now_s
        if self.front.in_time(attempt.deadline_s, now_s):
            self._begin(now_s, attempt)
        else:
            self._leave(now_s, attempt, "ignored", False)
            self._no_answer(now_s, attempt, "deadline", True)

    def _begin(self, now_s: float, attempt: Try) -> None:
        rung, attempt.tokens = self.front.length(attempt.deadline_s, now_s)
        attempt.rung = FULL if rung == FULL else SHORT
        self._target.budget.deposit()
        self._call(now_s, attempt)

    def _call(self, now_s: float, attempt: Try) -> None:
        """One attempt at one replica."""
        attempt.calls += 1
        attempt.called_s = now_s
        fleet = self._fleet
        name = self._target.choose(fleet.endpoints, attempt.tried, self.rng, now_s)
        if name is None:
            self._leave(now_s, attempt, "ignored")
            reason = "breaker" if fleet.endpoints else "dependency"
            self._no_answer(now_s, attempt, reason, False)
            return
        attempt.tried = (*attempt.tried, name) if attempt.tried else (name,)
        attempt.endpoint = name
        self._target.started(name, now_s)
        replica = fleet.by_name.get(name)
        if replica is None:
            self.lost(now_s, attempt)
            return
        deadline_s = attempt.deadline_s
        if deadline_s is None:
            self._call_timeouts.add(now_s, attempt)
        else:
            deadline_s -= self._margin_s
        try:
            attempt.sequence = replica.submit(
                now_s, attempt, attempt.tokens, attempt.rank, deadline_s
            )
        except QueueFull:
            self._finished(now_s, attempt, True)
            self._answered(now_s, attempt, "queue_full")

    def ended(self, now_s: float, attempt: Try, sequence: Sequence) -> None:
        """Inference has an answer, or none, for a call of this gateway."""
        if not holds_permit(attempt):
            return  # given up before (`call_late`); whatever became of it, nobody is left to tell
        self.now_s = now_s
        outcome = sequence.outcome
        if outcome is _FINISHED:
            self._finished(now_s, attempt, True)
            self._leave(now_s, attempt, ai_outcome(attempt.rung, None))
            if self.close(attempt):
                at_s = now_s + self.call_s
                self.back.answered(at_s, attempt.visit, attempt.rung, sequence.held_s)
        elif outcome is _EVICTED:
            self._finished(now_s, attempt, True)
            self._answered(now_s, attempt, "queue_full")
        elif outcome is _EXPIRED and sequence.started_s is None:
            self._finished(now_s, attempt, True)
            self._answered(now_s, attempt, "deadline")
        elif outcome is _EXPIRED:
            self._finished(now_s, attempt, False)
            self._again(now_s, attempt, "deadline")

    def lost(self, now_s: float, attempt: Try) -> None:
        """The replica is gone, with the call or before it."""
        if not holds_permit(attempt):
            return
        self.now_s = now_s
        self._finished(now_s, attempt, False)
        self._again(now_s, attempt, "dependency")

    def call_late(self, now_s: float, attempt: Try) -> None:
        """This gateway waits no longer for inference (deadlines are off)."""
        if not holds_permit(attempt):
            return
        if not attempt.endpoint or attempt.called_s + self.front.config.timeout_s > now_s + 1e-9:
            return  # the call that this was the time-out of is over; another is made or waited for
        self.now_s = now_s
        replica = self._fleet.by_name.get(attempt.endpoint)
        if replica is not None and isinstance(attempt.sequence, Sequence):
            replica.leave(now_s, attempt.sequence)
        self._finished(now_s, attempt, True)
        self._leave(now_s, attempt, "dropped")
        self._no_answer(now_s, attempt, "deadline", True)

    def _again(self, now_s: float, attempt: Try, reason: str) -> None:
        """Another attempt, if the budget and the time allow it."""
        if attempt.calls <= self.front.config.retries:
            pause_s = self._target.pause_s(attempt.calls + 1, now_s, attempt.deadline_s, self.rng)
            if pause_s is not None:
                attempt.endpoint = ""
                self.loop.at(now_s + pause_s, self._once_more, attempt)
                return
        self._leave(now_s, attempt, "ignored")
        self._no_answer(now_s, attempt, reason, False)

    def _once_more(self, now_s: float, attempt: Try) -> None:
        self.now_s = now_s
        self._call(now_s, attempt)

    def _answered(self, now_s: float, attempt: Try, reason: str) -> None:
        """Inference refused."""
        self._leave(now_s, attempt, ai_outcome(attempt.rung, reason))
        self._no_answer(now_s, attempt, reason, True)

    def _finished(self, now_s: float, attempt: Try, ok: bool) -> None:
        rtt_s = now_s - attempt.called_s + self.call_s
        self._target.finished(attempt.endpoint, now_s, rtt_s, ok)

    def _leave(self, now_s: float, attempt: Try, outcome: str, counted: bool = True) -> None:
        front = self.front
        if counted:
            front.ai_backlog.finished(now_s)
        permit = attempt.permit
        if permit is not None:
            rtt_s = now_s - attempt.started_s + self.call_s
            self.room.leave(permit, outcome, now_s, rtt_s)

    def _no_answer(self, now_s: float, attempt: Try, reason: str, waited: bool) -> None:
        if self.close(attempt):
            self._cheaper(now_s, attempt.visit, reason, waited)
        else:
            # Nobody listens any more, but the gateway does not know that: it counts the refusal.
            self.refuse(now_s, attempt.visit, reason, "inference", None, False)

    def _cheaper(self, now_s: float, visit: Visit, reason: str, waited: bool) -> None:
        front = self.front
        rung = front.below(now_s, understood=visit.understood, waited=waited, named=True)
        if rung is None:
            self.refuse(now_s, visit, reason, "inference")
        elif rung == _TICKET:
            ticket = front.waiting_room.issue(
                visit.user,
                str(visit.number),
                UNIX_S + now_s,
                front.ai_backlog.size(now_s, front.ai_room.waiting),
                front.ai_backlog.rate_rps(now_s),
                self.rng,
            )
            self.back.ticketed(now_s, visit, ticket.token, ticket.eta_s)
        else:
            self.back.answered(now_s, visit, MENU_RUNG if rung == MENU_RUNG else RULES, 0.0)


def ended(now_s: float, attempt: Try, sequence: Sequence) -> None:
    """Tell the path of a chat's attempt what became of its call."""
    if isinstance(attempt.path, ChatPath):
        attempt.path.ended(now_s, attempt, sequence)


def lost(now_s: float, attempt: Try) -> None:
    """Tell it that the replica was lost."""
    if isinstance(attempt.path, ChatPath):
        attempt.path.lost(now_s, attempt)


def call_late(now_s: float, attempt: Try) -> None:
    """Tell it that its gateway has waited long enough."""
    if isinstance(attempt.path, ChatPath):
        attempt.path.call_late(now_s, attempt)
