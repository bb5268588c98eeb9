"""Checkout, payment and status: to orders, never waiting on AI (as teashop/gateway/forward does)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from teashop.resilience.outgoing import Target
from teastorm.simulate.paths import Path
from teastorm.simulate.visit import CHECKOUT, NO_RUNG, Try, Visit

if TYPE_CHECKING:
    from teashop.resilience.front import Front
    from teastorm.simulate.crowd import Crowd
    from teastorm.simulate.loop import Loop
    from teastorm.simulate.orders import OrdersReplica
    from teastorm.simulate.street import Street
    from teastorm.simulate.timeouts import Timeouts


class OrdersPath(Path):
    """The way to orders through one gateway.

    Args:
        timeouts: the clients' time-outs, by class.
    """

    __slots__ = ("_ends", "_names", "_replicas", "_street", "_target", "_timeouts")

    def __init__(
        self,
        front: Front[Try],
        loop: Loop,
        rng: random.Random,
        back: Crowd,
        *,
        call_s: float,
        timeouts: Sequence[Timeouts],
        replicas: Sequence[OrdersReplica],
        street: Street,
    ) -> None:
        room, wait_s = front.orders_room, front.config.orders_wait_s
        super().__init__(front, loop, rng, back, room=room, wait_s=wait_s, call_s=call_s)
        self._timeouts = timeouts
        self._replicas = {replica.name: replica for replica in replicas}
        self._names = tuple(self._replicas)
        self._street = street
        self._ends = self._done  # bound once: it goes into the heap with every transaction
        self._target = Target(front.on)

    def come(self, now_s: float, visit: Visit, deadline_s: float | None) -> None:
        """An attempt that got past the door."""
        self.now_s = now_s
        front = self.front
        rank = visit.rank
        if not front.orders_admit(rank, visit.user, now_s):
            self.refuse(now_s, visit, "priority", "orders")
            return
        attempt = Try(visit, self, rank, deadline_s)
        found = self.room.ask(attempt, rank, now_s, deadline_s)
        if isinstance(found, str):
            self.refuse(now_s, visit, found, "orders")
        elif found is None:
            self._timeouts[visit.klass].add(now_s, attempt)
            self.patience.add(now_s, attempt)
        else:
            attempt.permit = found
            done_s = self._begin(now_s, attempt)
            timeouts = self._timeouts[visit.klass]
            if done_s - now_s >= timeouts.delay_s:  # else the answer is known to come first
                timeouts.add(now_s, attempt)

    def turned_away(self, now_s: float, attempt: Try, reason: str) -> None:
        """Stood in line and got no permit."""
        self.now_s = now_s
        heard = self.close(attempt)
        self.refuse(now_s, attempt.visit, reason, "orders", None, heard)

    def ask(self, now_s: float, attempt: Try) -> None:
        """With a permit after a wait."""
        self._begin(now_s, attempt)

    def _begin(self, now_s: float, attempt: Try) -> float:
        """One transaction at one replica; when it is done, which is now for one refused."""
        visit = attempt.visit
        attempt.started_s = now_s
        target = self._target
        target.budget.deposit()
        name = target.choose(self._names, (), self.rng, now_s)
        if name is None:
            self._leave(now_s, attempt, "ignored")
            heard = self.close(attempt)
            self.refuse(now_s, visit, "breaker", "orders", 1.0, heard)
            return now_s
        attempt.endpoint = name
        target.balancer.started(name, now_s)
        full_s = self._street.obstacle_s(now_s, visit.number) if visit.klass == CHECKOUT else None
        done_s = None if full_s is not None else self._replicas[name].transaction(now_s)
        if done_s is not None:
            self.loop.at(done_s, self._ends, attempt)
            return done_s
        target.finished(name, now_s, self.call_s, True)
        # A refusal for dispatch's sake tells nothing of orders itself.
        self._leave(now_s, attempt, "dropped" if full_s is None else "ok")
        heard = self.close(attempt)
        if full_s is None:
            self.refuse(now_s, visit, "queue_full", "orders", 1.0, heard)
        else:
            self.refuse(now_s, visit, "backpressure", "dispatch", full_s, heard)
        return now_s

    def _done(self, now_s: float, attempt: Try) -> None:
        self.now_s = now_s
        visit = attempt.visit
        call_s = self.call_s
        rtt_s = now_s - attempt.started_s + call_s
        self._target.finished(attempt.endpoint, now_s, rtt_s, True)
        self.front.orders_backlog.finished(now_s)
        permit = attempt.permit
        if permit is not None:
            self.room.leave(permit, "ok", now_s, rtt_s)
        if visit.klass == CHECKOUT:
            self._street.take(now_s, visit.number, self.rng.random())
        if attempt.open:
            attempt.open = False
            self.back.answered(now_s + call_s, visit, NO_RUNG, 0.0)

    def _leave(self, now_s: float, attempt: Try, outcome: str) -> None:
        front = self.front
        front.orders_backlog.finished(now_s)
        permit = attempt.permit
        if permit is not None:
            rtt_s = now_s - attempt.started_s + self.call_s
            self.room.leave(permit, outcome, now_s, rtt_s)
