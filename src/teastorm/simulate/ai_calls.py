"""A chat with a permit: calls to inference, their answers and retries (as serving/client does)."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from teashop.resilience.bounds import ai_outcome
from teashop.resilience.ladder import Rung
from teashop.resilience.outgoing import Target
from teashop.resilience.sequence import Outcome, QueueFull, Sequence
from teastorm.simulate.paths import Path
from teastorm.simulate.timeouts import Timeouts, holds_permit
from teastorm.simulate.visit import FULL, SHORT, Try, Visit

if TYPE_CHECKING:
    from teashop.resilience.front import Front
    from teastorm.simulate.crowd import Crowd
    from teastorm.simulate.fleet import Fleet
    from teastorm.simulate.loop import Loop

# Looking a member up on its class costs as much as a small call.
_FINISHED: Final = Outcome.FINISHED
_EXPIRED: Final = Outcome.EXPIRED
_EVICTED: Final = Outcome.EVICTED
_FULL: Final = Rung.FULL


class AiCalls(Path):
    """From one gateway to inference.

    Args:
        fleet: the inference replicas.
        margin_s: what inference keeps of the caller's time for the answer's way back.
        call_timeouts: this gateway's own, of calls to inference.
    """

    __slots__ = ("_call_timeouts", "_fleet", "_margin_s", "_retries", "_target")

    def __init__(
        self,
        front: Front[Try],
        loop: Loop,
        rng: random.Random,
        back: Crowd,
        *,
        call_s: float,
        fleet: Fleet,
        margin_s: float,
        call_timeouts: Timeouts,
    ) -> None:
        room, wait_s = front.ai_room, front.config.ai_wait_s
        super().__init__(front, loop, rng, back, room=room, wait_s=wait_s, call_s=call_s)
        self._fleet = fleet
        self._margin_s = margin_s
        self._call_timeouts = call_timeouts
        self._retries = front.config.retries
        self._target = Target(front.on)

    def ask(self, now_s: float, attempt: Try) -> None:
        """With a permit after a wait: ask inference, if there is still time."""
        attempt.started_s = now_s
        if self.front.in_time(attempt.deadline_s, now_s):
            self._begin(now_s, attempt)
        else:
            self._leave(now_s, attempt, "ignored", False)
            self._no_answer(now_s, attempt, "deadline", True)

    def cheaper(self, now_s: float, visit: Visit, reason: str, waited: bool) -> None:
        """An answer without AI, or a refusal."""
        raise NotImplementedError

    def _begin(self, now_s: float, attempt: Try) -> None:
        rung, attempt.tokens = self.front.length(attempt.deadline_s, now_s)
        attempt.rung = FULL if rung is _FULL else SHORT
        attempt.calls = 0
        attempt.tried = ()
        attempt.sequence = None
        self._target.budget.deposit()
        self._call(now_s, attempt)

    def _call(self, now_s: float, attempt: Try) -> None:
        """One attempt at one replica."""
        attempt.calls += 1
        attempt.called_s = now_s
        fleet, target = self._fleet, self._target
        tried = attempt.tried
        name = target.choose(fleet.endpoints, tried, self.rng, now_s)
        if name is None:
            self._leave(now_s, attempt, "ignored")
            reason = "breaker" if fleet.endpoints else "dependency"
            self._no_answer(now_s, attempt, reason, False)
            return
        attempt.tried = (*tried, name) if tried else (name,)
        attempt.endpoint = name
        target.balancer.started(name, now_s)
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
        permit = attempt.permit
        if permit is None or not permit.open:
            return  # given up before (`call_late`); whatever became of it, nobody is left to tell
        self.now_s = now_s
        outcome = sequence.outcome
        if outcome is _FINISHED:
            call_s, rung = self.call_s, attempt.rung
            rtt_s = now_s - attempt.called_s + call_s
            self._target.finished(attempt.endpoint, now_s, rtt_s, True)
            self.front.ai_backlog.finished(now_s)
            rtt_s = now_s - attempt.started_s + call_s
            self.room.leave(permit, ai_outcome(rung, None), now_s, rtt_s)
            if attempt.open:
                attempt.open = False
                self.back.answered(now_s + call_s, attempt.visit, rung, sequence.held_s)
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
        if attempt.calls <= self._retries:
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
            self.cheaper(now_s, attempt.visit, reason, waited)
        else:
            # Nobody listens any more, but the gateway does not know that: it counts the refusal.
            self.refuse(now_s, attempt.visit, reason, "inference", None, False)


def ended(now_s: float, attempt: Try, sequence: Sequence) -> None:
    """Tell the path of a chat's attempt what became of its call."""
    path = attempt.path
    if isinstance(path, AiCalls):
        path.ended(now_s, attempt, sequence)


def lost(now_s: float, attempt: Try) -> None:
    """Tell it that the replica was lost."""
    if isinstance(attempt.path, AiCalls):
        attempt.path.lost(now_s, attempt)


def call_late(now_s: float, attempt: Try) -> None:
    """Tell it that its gateway has waited long enough."""
    if isinstance(attempt.path, AiCalls):
        attempt.path.call_late(now_s, attempt)
