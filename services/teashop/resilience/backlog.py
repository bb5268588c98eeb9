"""How much demand stands before a dependency: what waits, and what was just sent away.

A refused client that honours Retry-After comes back, so recent refusals are backlog too; the
time to ask for is that backlog over the rate at which the dependency finishes work.
"""

from __future__ import annotations

import random

from teashop.resilience.rate import EwmaRate
from teashop.resilience.retry_after import RetryAfter, RetryAfterConfig

_REMEMBERED_S = 3.0


class Backlog:
    """Demand before one dependency. Belongs to one event loop.

    Args:
        floor_rps: a finishing rate to assume while nothing has been finished.
        cap_s: the most a caller is asked to wait.
    """

    __slots__ = ("_finished", "_floor_rps", "_refused", "_retry_after")

    def __init__(self, *, floor_rps: float, cap_s: float) -> None:
        self._refused = EwmaRate(_REMEMBERED_S / 2)
        self._finished = EwmaRate(_REMEMBERED_S / 2)
        self._floor_rps = floor_rps
        self._retry_after = RetryAfter(RetryAfterConfig(maximum_s=cap_s))

    def finished(self, now_s: float) -> None:
        """The dependency finished one request."""
        self._finished.add(now_s)

    def refused(self, now_s: float) -> None:
        """One caller was sent away."""
        self._refused.add(now_s)

    def size(self, now_s: float, waiting: int) -> float:
        """Requests: those waiting now, and those sent away in the last seconds."""
        return waiting + self._refused.per_second(now_s) * _REMEMBERED_S

    def rate_rps(self, now_s: float) -> float:
        """How fast the dependency finishes requests."""
        return max(self._floor_rps, self._finished.per_second(now_s))

    def retry_after_s(self, now_s: float, waiting: int, rng: random.Random) -> int:
        """Whole seconds for Retry-After, jittered so that callers do not return as one."""
        backlog = waiting + self._refused.per_second(now_s) * _REMEMBERED_S
        rate_rps = self._finished.per_second(now_s)
        if rate_rps < self._floor_rps:
            rate_rps = self._floor_rps
        return self._retry_after.seconds(backlog, rate_rps, rng)
