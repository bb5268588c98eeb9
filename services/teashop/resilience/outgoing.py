"""What a client knows of one service: whom to ask next, and whether to ask again."""

import random
from collections.abc import Sequence
from typing import Final

from teashop.resilience.balance import RoundRobin
from teashop.resilience.breaker import Breaker, BreakerConfig, State
from teashop.resilience.protections import Protections
from teashop.resilience.retry import RetryBudget, RetryBudgetConfig, full_jitter_s
from teashop.resilience.two_choices import Balancer

_BACKOFF_BASE_S: Final = 0.02
_BACKOFF_CAP_S: Final = 0.25
_PLAIN_PAUSE_S: Final = 0.05


class Target:
    """Balancer, breakers and retry budget towards one service; not thread-safe.

    Without their protections: round robin, every attempt made, a fixed pause before each retry.
    """

    __slots__ = ("_breaker_on", "_budget_on", "_wary", "balancer", "breakers", "budget")

    def __init__(self, on: Protections) -> None:
        self._breaker_on = on.breaker
        self._budget_on = on.retry_budget
        self.balancer: Balancer | RoundRobin = Balancer() if on.balancing else RoundRobin()
        self.breakers: dict[str, Breaker] = {}
        self._wary = False  # some breaker may not be closed, or there is one more than before
        self.budget = RetryBudget(RetryBudgetConfig())

    def open_breakers(self, endpoints: Sequence[str]) -> int:
        """How many of these endpoints are let alone now."""
        known = self.breakers
        return sum(1 for e in endpoints if e in known and known[e].state is State.OPEN)

    def choose(
        self, endpoints: Sequence[str], tried: Sequence[str], rng: random.Random, now_s: float
    ) -> str | None:
        """An endpoint whose breaker lets this attempt through, not yet tried where possible."""
        if not endpoints:
            return None
        if not tried and not self._wary:
            return self.balancer.choose(endpoints, rng, now_s)
        return self._choose_among(endpoints, tried, rng, now_s)

    def _choose_among(
        self, endpoints: Sequence[str], tried: Sequence[str], rng: random.Random, now_s: float
    ) -> str | None:
        """Where something failed, or is new."""
        if len(self.breakers) > len(endpoints) + 8:
            self.breakers = {e: b for e, b in self.breakers.items() if e in endpoints}
        self._wary = not all(b.closed for b in self.breakers.values())
        left: Sequence[str] = endpoints
        if tried:
            left = [e for e in endpoints if e not in tried] or endpoints
        while left:
            endpoint = self.balancer.choose(left, rng, now_s)
            breaker = self.breakers.get(endpoint) if self._breaker_on else None
            if breaker is None or breaker.allow(now_s):
                return endpoint
            left = [e for e in left if e != endpoint]
        return None

    def pause_s(
        self, attempt: int, now_s: float, deadline_s: float | None, rng: random.Random
    ) -> float | None:
        """How long to wait before `attempt` (2 is the first retry); None: it may not be made."""
        if not self._budget_on:
            return _PLAIN_PAUSE_S
        if not self.budget.withdraw():
            return None
        pause_s = full_jitter_s(attempt - 1, _BACKOFF_BASE_S, _BACKOFF_CAP_S, rng)
        return None if deadline_s is not None and now_s + pause_s >= deadline_s else pause_s

    def started(self, endpoint: str, now_s: float) -> None:
        """An attempt at `endpoint` begins."""
        self.balancer.started(endpoint, now_s)

    def finished(self, endpoint: str, now_s: float, rtt_s: float, ok: bool) -> None:
        """It ended; `ok`: the endpoint is not to blame (refusals and deadlines tell of load)."""
        self.balancer.finished(endpoint, now_s, rtt_s, ok)
        if self._breaker_on:
            breaker = self.breakers.get(endpoint)
            if breaker is None:  # one that never answered has nothing against it
                breaker = self.breakers[endpoint] = Breaker(BreakerConfig())
                self._wary = True
            breaker.record(now_s, ok)
            if not breaker.closed:
                self._wary = True
