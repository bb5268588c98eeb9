"""How fast baristas really work: near the plan, never exactly.

A promise is made from the plan, the work is done at the pace; without the difference no promise
would ever need a revision. Pure: the pace is a hash of seed, shop and period, so every replica
computes the same street.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

_LONGEST_PERIODS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """A pace that is constant within a period and averages 1.

    Attributes:
        seed: the run's.
        variation: the pace lies within 1 ± this, evenly.
        period_s: seconds of the run's clock until it changes.
    """

    seed: int
    variation: float
    period_s: float

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not 0 <= self.variation < 1:
            raise ValueError(f"variation must be at least 0 and below 1, got {self.variation}")
        if not self.period_s > 0:
            raise ValueError(f"period_s must be above 0, got {self.period_s}")

    def at(self, shop: str, t_s: float) -> float:
        """The pace of `shop` at the moment `t_s` (1 = as planned)."""
        return self._of_period(shop, math.floor(t_s / self.period_s))

    def seconds_of_plan(self, shop: str, from_s: float, to_s: float) -> float:
        """How many seconds of planned work get done between two moments; additive, >= 0."""
        if to_s <= from_s:
            return 0.0
        first = math.floor(from_s / self.period_s)
        last = math.floor(to_s / self.period_s)
        if last - first > _LONGEST_PERIODS:
            # Nobody looked for days of street time: the average is 1, and the loop stays bounded.
            return to_s - from_s
        done = 0.0
        for period in range(first, last + 1):
            begin = max(from_s, period * self.period_s)
            end = min(to_s, (period + 1) * self.period_s)
            done += max(0.0, end - begin) * self._of_period(shop, period)
        return done

    def _of_period(self, shop: str, period: int) -> float:
        if self.variation == 0:
            return 1.0
        digest = hashlib.blake2b(f"{self.seed}/{shop}/{period}".encode(), digest_size=8).digest()
        share = int.from_bytes(digest) / 2**64
        return 1.0 + self.variation * (2.0 * share - 1.0)
