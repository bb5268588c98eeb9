"""Events per second, recent ones counting more: one number, no history kept."""

import math
from typing import Final

_LN2: Final = math.log(2.0)


class EwmaRate:
    """An exponentially decayed count, read as a rate.

    Each event adds 1 to a count c that decays as c(t) = c(0)·2^(-t/h); under a constant rate r the
    count tends to r·h/ln 2, so the rate is c·ln 2/h. From a cold start only the part
    1 - 2^(-age/h) of that sum can have come in, so the estimate is divided by it (the bias
    correction of Adam, Kingma & Ba 2015), with the age held at h/4 or more: a single event must not
    read as a storm.

    Args of the constructor: `half_life_s`, seconds after which an event counts half.

    Raises:
        ValueError: the half-life is not above 0.
    """

    __slots__ = ("_born_s", "_count", "_decay", "_grown_s", "_half_life_s", "_seen_s")

    def __init__(self, half_life_s: float) -> None:
        if not (math.isfinite(half_life_s) and half_life_s > 0.0):
            raise ValueError(f"EwmaRate.half_life_s must be above 0, got {half_life_s!r}.")
        self._half_life_s = half_life_s
        self._decay = _LN2 / half_life_s
        self._grown_s = math.inf  # sixty half-lives after the first event
        self._count = 0.0
        self._born_s: float | None = None
        self._seen_s = 0.0

    def add(self, now_s: float, n: float = 1) -> None:
        """Count `n` events at `now_s` (seconds; time that runs backwards is taken as no time)."""
        seen_s = self._seen_s
        if now_s > seen_s:  # before the first event nothing is there to decay
            self._count = self._count * math.exp(-self._decay * (now_s - seen_s)) + n
            self._seen_s = now_s
            if self._born_s is None:
                self._begin(now_s)
            return
        if self._born_s is None:
            self._begin(now_s)
        self._count += n

    def _begin(self, now_s: float) -> None:
        self._born_s = self._seen_s = now_s
        self._grown_s = now_s + 60.0 * self._half_life_s

    def per_second(self, now_s: float) -> float:
        """The rate at `now_s`; 0 before the first event."""
        count = self._count
        since_s = now_s - self._seen_s
        if since_s > 0.0:
            count *= math.exp(-self._decay * since_s)
        if now_s > self._grown_s:
            return count * self._decay  # 1 - 2^-60 is 1 in a double
        if self._born_s is None:
            return 0.0
        age_s = now_s - self._born_s
        if age_s < self._half_life_s / 4.0:
            age_s = self._half_life_s / 4.0
        return count * self._decay / (1.0 - math.exp(-self._decay * age_s))
