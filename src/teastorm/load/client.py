"""One wish's client: when to ask again, when to wait, when to give up. Pure; time is passed in.

An impatient client retries a failure after a short exponential backoff with jitter, whatever the
server said; an honouring one waits as long as Retry-After asks, if its patience allows, and else
gives up. Both count attempts against the same bound.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from teastorm.load.settings import Clients

_GOLDEN: Final = (
    0.6180339887498949  # successive multiples modulo 1 spread evenly: jitter without a state
)
_NEVER: Final = -1.0


class Answer(NamedTuple):
    """What one attempt came to.

    Attributes:
        status: HTTP status, 0 without an answer.
        retry_after_s: what Retry-After asked, NaN without.
        ticket: a waiting-room ticket (status 202), else empty.
        eta_s: what the ticket promised, NaN without.
    """

    status: int
    retry_after_s: float = math.nan
    ticket: str = ""
    eta_s: float = math.nan


class Next(NamedTuple):
    """Ask again `wait_s` after the last answer; `ticket` goes along when it is not empty."""

    wait_s: float
    honoured: bool = False
    ticket: str = ""


class Wish:
    """The state machine of one request; not thread-safe, one owner.

    Args:
        clients: how impatient.
        klass: one of `CLASSES`.
        intended_s: t_i; every budget counts from it, whenever the attempt is really sent.
        honours: whether this user waits for Retry-After.
        jitter: in 0..1, drawn with the arrival, so that a seed decides every wait.
    """

    __slots__ = ("_asked_for_s", "_clients", "_intended_s", "_jitter", "attempts", "deadline_s",
                 "honours", "ticket", "timeout_s")  # fmt: skip

    def __init__(
        self, clients: Clients, klass: str, intended_s: float, honours: bool, jitter: float
    ) -> None:
        self._clients = clients
        self._intended_s = intended_s
        self.deadline_s = clients.deadlines_s[klass]
        self._jitter = jitter
        self.timeout_s = clients.timeouts_s[klass]
        self.honours = honours
        self.attempts = 1
        self.ticket = ""
        self._asked_for_s = intended_s

    def budget_ms(self, now_s: float) -> int:
        """What X-Request-Timeout-Ms says of an attempt sent now, at least 1.

        The remaining deadline of the wish. An attempt sent after it (impatience knows no
        deadline) says 1: a server that reads deadlines need not work for it. Who comes back with
        a ticket was told to, and has a whole deadline again.
        """
        since_s = self._asked_for_s if self.ticket else self._intended_s
        return max(1, round((since_s + self.deadline_s - now_s) * 1000))

    def after(self, answer: Answer, now_s: float) -> Next | None:
        """What follows `answer`, received at `now_s`: another attempt, or None for no more."""
        ticketed = answer.status == 202 and bool(answer.ticket)
        if ticketed:
            wait_s = self.ticketed(answer.ticket, answer.eta_s, answer.retry_after_s, now_s)
        elif 0 < answer.status < 500 and answer.status != 429:
            return None
        else:
            wait_s = self.turned_away(answer.retry_after_s, now_s)
        if wait_s < 0:
            return None
        told = ticketed or (self.honours and answer.retry_after_s >= 0)
        return Next(wait_s, told, self.ticket)

    def ticketed(self, ticket: str, eta_s: float, retry_after_s: float, now_s: float) -> float:
        """Seconds until it comes back with this ticket; below 0: it does not."""
        if not self.honours:
            return _NEVER
        asked_s = max((s for s in (eta_s, retry_after_s) if s >= 0), default=1.0)
        return self._again(asked_s, ticket, now_s)

    def turned_away(self, retry_after_s: float, now_s: float) -> float:
        """Seconds until it asks again after a 429, a 5xx or no answer; below 0: it gives up."""
        if self.honours and retry_after_s >= 0:
            return self._again(retry_after_s, self.ticket, now_s)
        clients, attempts = self._clients, self.attempts
        wait_s = min(clients.backoff_cap_s, clients.backoff_s * 2.0 ** (attempts - 1))
        jitter = (self._jitter + _GOLDEN * attempts) % 1
        return self._again(wait_s * (0.5 + jitter / 2), self.ticket, now_s)

    def _again(self, wait_s: float, ticket: str, now_s: float) -> float:
        """One more attempt, if their number and the patience allow it."""
        clients = self._clients
        at_s = now_s + wait_s
        if self.attempts > clients.retries or at_s > self._intended_s + clients.patience_s:
            return _NEVER
        self.attempts += 1
        self.ticket = ticket
        self._asked_for_s = at_s
        return wait_s
