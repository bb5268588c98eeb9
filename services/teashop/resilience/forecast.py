"""What a shop's arrivals do next, and when its queue is full if they do."""

from typing import Final

_LOOKS: Final = 12
"""Moments within the lead time that are looked at."""


class Forecast:
    """Arrivals smoothed with their trend (Holt's linear method, 1957): a(t + u) = a + b·u.

    So the queue after u seconds is q + u·(a + b·u/2 - c), c being the capacity. Not thread-safe.

    Args:
        trend_s: time constant with which arrivals and their trend are smoothed.
    """

    __slots__ = ("_rate_rps", "_seen_s", "_trend", "_trend_s")

    def __init__(self, now_s: float, arrivals_rps: float, *, trend_s: float) -> None:
        self._trend_s = trend_s
        self._seen_s = now_s
        self._rate_rps = arrivals_rps
        self._trend = 0.0

    def see(self, now_s: float, arrivals_rps: float) -> None:
        """A measurement; one of no later moment than the last changes nothing."""
        passed_s = now_s - self._seen_s
        if passed_s <= 0.0:
            return
        weight = min(1.0, passed_s / self._trend_s)
        before = self._rate_rps
        expected = before + self._trend * passed_s
        self._rate_rps = expected + weight * (arrivals_rps - expected)
        self._trend += weight * ((self._rate_rps - before) / passed_s - self._trend)
        self._seen_s = now_s

    def rate_rps(self, ahead_s: float) -> float:
        """Expected arrivals a second, so many seconds from now."""
        return max(0.0, self._rate_rps + self._trend * ahead_s)

    def passes_in_s(
        self, mark: float, *, queue: float, capacity_rps: float, lead_s: float
    ) -> float | None:
        """Seconds until the queue passes `mark`, None if it does not within the lead time."""
        slope = self._rate_rps - capacity_rps
        for step in range(1, _LOOKS + 1):
            ahead_s = lead_s * step / _LOOKS
            if queue + ahead_s * (slope + self._trend * ahead_s / 2.0) >= mark:
                return ahead_s
        return None
