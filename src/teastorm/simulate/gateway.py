"""One simulated gateway replica: the shop's own `Front` and `Target`s, asked in the gateway's order.

The steps are those of teashop/gateway (door, chat, ask_ai, cheap, forward) with the waiting taken
out: what there is an `await` is here a return, and a callback that goes on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence as Names
from heapq import heappush
from typing import TYPE_CHECKING, Final, Protocol

from teashop.resilience.criticality import Criticality
from teashop.resilience.front import Front, Held, ai_outcome
from teashop.resilience.ladder import Rung
from teashop.resilience.outgoing import Target
from teashop.resilience.quota import QuotaExceeded
from teashop.resilience.room import NoRoom
from teashop.resilience.sequence import Outcome, QueueFull, Sequence
from teashop.resilience.waiting_room import TicketInvalid, TicketTooEarly, TicketUsed
from teastorm.simulate.visit import CHECKOUT, FULL, MENU, MENU_RUNG, RULES, SHORT, Try, Visit

if TYPE_CHECKING:
    from teashop.resilience.admission import Permit
    from teashop.resilience.front_config import FrontConfig
    from teashop.resilience.protections import Protections
    from teastorm.simulate.fleet import Fleet
    from teastorm.simulate.loop import Loop
    from teastorm.simulate.orders import OrdersReplica
    from teastorm.simulate.street import Street
    from teastorm.simulate.timeouts import Timeouts

UNIX_S: Final = 1_770_336_000.0
"""When virtual time 0 is, for tickets (6 February 2026)."""


class Back(Protocol):
    """Whom a gateway tells what became of an attempt; times are the gateway's, hops not added."""

    def answered(self, now_s: float, visit: Visit, rung: str, spent_s: float) -> None:
        """A final 2xx on this rung."""

    def refused(
        self, now_s: float, visit: Visit, status: int, reason: str, refused_for: str, after_s: float
    ) -> None:
        """429 or 503, with its Retry-After."""

    def ticketed(self, now_s: float, visit: Visit, token: str, eta_s: float) -> None:
        """202 with a ticket."""


class Gateway:
    """Belongs to one simulation.

    Args:
        fleet: inference; orders: the replicas of orders.
        call_s, orders_call_s: what a call to inference and to orders costs on top of its work.
        margin_s: what inference keeps of the caller's time for the answer's way back.
        client_timeouts: by class, the clients' time-outs of attempts that wait here; call_timeouts:
            this gateway's own, of calls to inference.
        sooner: a chat's deadline comes before its client's time-out, so that the shop, which drops
            late work, always answers first.
    """

    def __init__(
        self,
        config: FrontConfig,
        on: Protections,
        *,
        loop: Loop,
        rng: random.Random,
        back: Back,
        fleet: Fleet,
        orders: Names[OrdersReplica],
        street: Street,
        call_s: float,
        orders_call_s: float,
        margin_s: float,
        client_timeouts: Names[Timeouts],
        call_timeouts: Timeouts,
        sooner: bool,
    ) -> None:
        self.front: Front[Try] = Front(config, on, admit=self._admitted, refuse=self._dropped)
        self._on = on
        self._loop = loop
        self._rng = rng
        self._back = back
        self._fleet = fleet
        self._orders = {replica.name: replica for replica in orders}
        self._order_names = tuple(self._orders)
        self._street = street
        self._call_s = call_s
        self._orders_call_s = orders_call_s
        self._margin_s = margin_s
        self._client_timeouts = client_timeouts
        self._call_timeouts = call_timeouts
        self._to_ai = Target(on)
        self._to_orders = Target(on)
        self._sooner = sooner
        self._now_s = 0.0

    def receive(self, now_s: float, visit: Visit, budget_s: float) -> None:
        """One attempt arrives; `budget_s` is what X-Request-Timeout-Ms says."""
        self._now_s = now_s
        front = self.front
        try:
            let_in = front.lets_in(visit.rank, visit.user, now_s)
        except QuotaExceeded as over:
            self._refuse(now_s, visit, "quota", "gateway", over.retry_after_s)
            return
        if not let_in:
            self._refuse(now_s, visit, "priority", "gateway")
            return
        klass = visit.klass
        if klass == MENU:
            self._back.answered(now_s, visit, "none", 0.0)
            return
        deadline_s: float | None = None
        if self._on.deadlines:
            deadline_s = now_s + min(budget_s, front.config.max_deadline_s)
        if klass:
            self._forward(now_s, visit, deadline_s)
        else:
            self._chat(now_s, visit, deadline_s)

    # Chat: down the ladder.

    def _chat(self, now_s: float, visit: Visit, deadline_s: float | None) -> None:
        front = self.front
        rank = visit.rank
        if visit.ticket and self._on.waiting_room:
            redeemed = self._redeem(now_s, visit)
            if redeemed is None:
                return
            rank = redeemed
        held = front.held_back(rank, visit.user, now_s)
        if held is Held.LEVEL:
            self._refuse(now_s, visit, "priority", "inference")
            return
        if not front.may_ask(held, rank):
            self._cheaper(now_s, visit, "priority", waited=False)
            return
        if not front.in_time(deadline_s, now_s):
            self._cheaper(now_s, visit, "late", waited=False)
            return
        attempt = Try(visit, self, rank, deadline_s)
        try:
            permit = front.ai_room.enter(attempt, rank, now_s, deadline_s)
        except NoRoom as full:
            self._cheaper(now_s, visit, full.reason, waited=full.waited)
            return
        visit.pending = attempt
        if deadline_s is None or not self._sooner:
            self._client_timeouts[0].add(now_s, attempt)
        if permit is None:
            self._loop.at(now_s + front.config.ai_wait_s, self._waited_enough, attempt)
        else:
            attempt.permit = permit
            self._ask(now_s, attempt)

    def _redeem(self, now_s: float, visit: Visit) -> Criticality | None:
        """The rank of a ticket's holder; None when it was answered here and now."""
        try:
            self.front.waiting_room.redeem(visit.ticket, str(visit.number), UNIX_S + now_s)
        except TicketTooEarly as early:
            self._refuse(now_s, visit, "limit", "inference", early.retry_after_s)
            return None
        except (TicketUsed, TicketInvalid):
            self._back.answered(now_s, visit, "", 0.0)
            return None
        return Criticality.CRITICAL

    def _admitted(self, attempt: Try, permit: Permit) -> bool:
        """A room calls the next in line."""
        attempt.permit = permit
        attempt.waited = True
        if attempt.visit.klass:
            self._ask_orders(self._now_s, attempt)
        else:
            self._ask(self._now_s, attempt)
        return True

    def _dropped(self, attempt: Try, reason: str) -> None:
        """A room turns away one who stood in its line."""
        self._without_room(self._now_s, attempt, reason)

    def _waited_enough(self, now_s: float, attempt: Try) -> None:
        """The queue's patience is over; who has a permit by now is not in the line any more."""
        if attempt.permit is not None:
            return
        self._now_s = now_s
        room = self.front.orders_room if attempt.visit.klass else self.front.ai_room
        if room.give_up(attempt):
            self._without_room(now_s, attempt, "codel")

    def _without_room(self, now_s: float, attempt: Try, reason: str) -> None:
        if attempt.visit.klass:
            self._close(attempt)
            self._refuse(now_s, attempt.visit, reason, "orders", attempt=attempt)
        else:
            self._no_answer(now_s, attempt, reason, waited=True)

    def _ask(self, now_s: float, attempt: Try) -> None:
        """With a permit: ask inference, if there is still time."""
        front = self.front
        attempt.started_s = now_s
        if not front.in_time(attempt.deadline_s, now_s):
            self._leave_ai(now_s, attempt, "ignored", counted=False)
            self._no_answer(now_s, attempt, "deadline", waited=True)
            return
        rung, attempt.tokens = front.length(attempt.deadline_s, now_s)
        attempt.rung = FULL if rung is Rung.FULL else SHORT
        self._to_ai.budget.deposit()
        self._call(now_s, attempt)

    def _call(self, now_s: float, attempt: Try) -> None:
        """One attempt at one replica."""
        attempt.attempts += 1
        fleet = self._fleet
        target = self._to_ai
        name = target.choose(fleet.endpoints, attempt.tried, self._rng, now_s)
        if name is None:
            self._leave_ai(now_s, attempt, "ignored")
            reason = "breaker" if fleet.endpoints else "dependency"
            self._no_answer(now_s, attempt, reason, waited=False)
            return
        attempt.tried = (*attempt.tried, name)
        attempt.endpoint = name
        target.started(name, now_s)
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
                now_s, attempt, tokens=attempt.tokens, rank=attempt.rank, deadline_s=deadline_s
            )
        except QueueFull:
            self._finished(now_s, attempt, ok=True)
            self._answered_by_ai(now_s, attempt, "queue_full")

    def ended(self, now_s: float, attempt: Try, sequence: Sequence) -> None:
        """Inference has an answer, or none, for a call of this gateway."""
        self._now_s = now_s
        outcome = sequence.outcome
        if outcome is Outcome.FINISHED:
            self._finished(now_s, attempt, ok=True)
            self._leave_ai(now_s, attempt, ai_outcome(attempt.rung, None))
            if self._close(attempt):
                rtt_s = self._call_s
                self._back.answered(now_s + rtt_s, attempt.visit, attempt.rung, sequence.held_s)
        elif outcome is Outcome.EVICTED:
            self._finished(now_s, attempt, ok=True)
            self._answered_by_ai(now_s, attempt, "queue_full")
        elif outcome is Outcome.EXPIRED and sequence.started_s is None:
            self._finished(now_s, attempt, ok=True)
            self._answered_by_ai(now_s, attempt, "deadline")
        elif outcome is Outcome.EXPIRED:
            self._finished(now_s, attempt, ok=False)
            self._again(now_s, attempt, "deadline")

    def lost(self, now_s: float, attempt: Try) -> None:
        """The replica is gone, with the call or before it."""
        self._now_s = now_s
        self._finished(now_s, attempt, ok=False)
        self._again(now_s, attempt, "dependency")

    def call_late(self, now_s: float, attempt: Try) -> None:
        """This gateway waits no longer for inference (deadlines are off)."""
        if attempt.permit is None or not attempt.permit.open:
            return
        self._now_s = now_s
        replica = self._fleet.by_name.get(attempt.endpoint)
        if replica is not None and isinstance(attempt.sequence, Sequence):
            replica.leave(now_s, attempt.sequence)
        self._finished(now_s, attempt, ok=True)
        self._leave_ai(now_s, attempt, "dropped")
        self._no_answer(now_s, attempt, "deadline", waited=True)

    def _again(self, now_s: float, attempt: Try, reason: str) -> None:
        """Another attempt, if the budget and the time allow it."""
        if attempt.attempts <= self.front.config.retries:
            pause_s = self._to_ai.pause_s(
                attempt.attempts + 1, now_s, attempt.deadline_s, self._rng
            )
            if pause_s is not None:
                self._loop.at(now_s + pause_s, self._once_more, attempt)
                return
        self._leave_ai(now_s, attempt, "ignored")
        self._no_answer(now_s, attempt, reason, waited=False)

    def _once_more(self, now_s: float, attempt: Try) -> None:
        self._now_s = now_s
        self._call(now_s, attempt)

    def _answered_by_ai(self, now_s: float, attempt: Try, reason: str) -> None:
        self._leave_ai(now_s, attempt, ai_outcome(attempt.rung, reason))
        self._no_answer(now_s, attempt, reason, waited=True)

    def _finished(self, now_s: float, attempt: Try, *, ok: bool) -> None:
        rtt_s = now_s - attempt.started_s + self._call_s
        self._to_ai.finished(attempt.endpoint, now_s, rtt_s, ok=ok)

    def _leave_ai(self, now_s: float, attempt: Try, outcome: str, *, counted: bool = True) -> None:
        front = self.front
        if counted:
            front.ai_backlog.finished(now_s)
        permit = attempt.permit
        if permit is not None:
            rtt_s = now_s - attempt.started_s + self._call_s
            front.ai_room.leave(permit, outcome, now_s, rtt_s)

    def _no_answer(self, now_s: float, attempt: Try, reason: str, *, waited: bool) -> None:
        if self._close(attempt):
            self._cheaper(now_s, attempt.visit, reason, waited=waited)
        else:
            # Nobody listens any more, but the gateway does not know that: it counts the refusal.
            self.front.refused("inference", now_s, self._rng)

    def _close(self, attempt: Try) -> bool:
        """End an attempt; False when its client had given it up before."""
        was_open = attempt.open
        attempt.open = False
        return was_open

    def _cheaper(self, now_s: float, visit: Visit, reason: str, *, waited: bool) -> None:
        front = self.front
        rung = front.below(now_s, understood=visit.understood, waited=waited, named=True)
        if rung is None:
            self._refuse(now_s, visit, reason, "inference")
        elif rung is Rung.TICKET:
            ticket = front.waiting_room.issue(
                visit.user,
                str(visit.number),
                UNIX_S + now_s,
                front.ai_backlog.size(now_s, front.ai_room.waiting),
                front.ai_backlog.rate_rps(now_s),
                self._rng,
            )
            self._back.ticketed(now_s, visit, ticket.token, ticket.eta_s)
        else:
            self._back.answered(now_s, visit, MENU_RUNG if rung is Rung.MENU else RULES, 0.0)

    # Checkout, payment, status: never waiting on AI.

    def _forward(self, now_s: float, visit: Visit, deadline_s: float | None) -> None:
        front = self.front
        if not front.orders.admits(visit.rank, visit.user, now_s):
            self._refuse(now_s, visit, "priority", "orders")
            return
        attempt = Try(visit, self, visit.rank, deadline_s)
        try:
            permit = front.orders_room.enter(attempt, visit.rank, now_s, deadline_s)
        except NoRoom as full:
            self._refuse(now_s, visit, full.reason, "orders")
            return
        visit.pending = attempt
        self._client_timeouts[visit.klass].add(now_s, attempt)
        if permit is None:
            self._loop.at(now_s + front.config.orders_wait_s, self._waited_enough, attempt)
        else:
            attempt.permit = permit
            self._ask_orders(now_s, attempt)

    def _ask_orders(self, now_s: float, attempt: Try) -> None:
        visit = attempt.visit
        attempt.started_s = now_s
        target = self._to_orders
        target.budget.deposit()
        name = target.choose(self._order_names, attempt.tried, self._rng, now_s)
        if name is None:
            self._leave_orders(now_s, attempt, "ignored")
            self._close(attempt)
            self._refuse(now_s, visit, "breaker", "orders", 1.0)
            return
        attempt.endpoint = name
        target.started(name, now_s)
        full_s = self._street.obstacle_s(now_s, visit.number) if visit.klass == CHECKOUT else None
        done_s = None if full_s is not None else self._orders[name].transaction(now_s)
        if done_s is not None:
            loop = self._loop
            heappush(loop.heap, (done_s, next(loop.number), self._order_done, attempt))
            return
        target.finished(name, now_s, self._orders_call_s, ok=True)
        # A refusal for dispatch's sake tells nothing of orders itself.
        self._leave_orders(now_s, attempt, "dropped" if full_s is None else "ok")
        self._close(attempt)
        if full_s is None:
            self._refuse(now_s, visit, "queue_full", "orders", 1.0)
        else:
            self._refuse(now_s, visit, "backpressure", "dispatch", full_s)

    def _order_done(self, now_s: float, attempt: Try) -> None:
        self._now_s = now_s
        visit = attempt.visit
        rtt_s = now_s - attempt.started_s + self._orders_call_s
        self._to_orders.finished(attempt.endpoint, now_s, rtt_s, ok=True)
        self._leave_orders(now_s, attempt, "ok")
        if visit.klass == CHECKOUT:
            self._street.take(now_s, visit.number, self._rng.random())
        if self._close(attempt):
            self._back.answered(now_s + self._orders_call_s, visit, "none", 0.0)

    def _leave_orders(self, now_s: float, attempt: Try, outcome: str) -> None:
        front = self.front
        front.orders_backlog.finished(now_s)
        permit = attempt.permit
        if permit is not None:
            rtt_s = now_s - attempt.started_s + self._orders_call_s
            front.orders_room.leave(permit, outcome, now_s, rtt_s)

    def _refuse(
        self,
        now_s: float,
        visit: Visit,
        reason: str,
        refused_for: str,
        retry_after_s: float | None = None,
        attempt: Try | None = None,
    ) -> None:
        after_s = self.front.refused(refused_for, now_s, self._rng, retry_after_s)
        if attempt is None or visit.pending is attempt:
            status = 429 if reason == "quota" else 503
            self._back.refused(now_s, visit, status, reason, refused_for, float(after_s))
