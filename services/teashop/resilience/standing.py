"""Whether those who wait are a burst, which passes, or a line that only adds delay."""

import math


class Standing:
    """CoDel's estimator of one line (Nichols & Jacobson, RFC 8289): the least wait of an interval.

    A burst brings some wait down to nothing before the interval is over; the least wait of a line
    that stands stays above the target. Not thread-safe.

    Args:
        target_s: a wait that is still acceptable, in seconds.
        interval_s: after which the least wait is judged, and forgotten.

    Attributes:
        on: whether the last whole interval says that the wait stands.
        least_s: the least wait since this interval began.
        ends_s: when it ends. A caller that knows of a wait of 0 before then may write that into
            `least_s` and spare itself the question: `update` would do no more.
    """

    __slots__ = ("_interval_s", "_target_s", "ends_s", "least_s", "on")

    def __init__(self, *, target_s: float, interval_s: float) -> None:
        self.on = False
        self._target_s = target_s
        self._interval_s = interval_s
        self.least_s = 0.0
        self.ends_s = -math.inf

    def update(self, now_s: float, wait_s: float) -> None:
        """Somebody has waited so long now, or nobody waits and it is 0."""
        if now_s >= self.ends_s:
            self.on = self.least_s > self._target_s
            self.least_s = wait_s
            self.ends_s = now_s + self._interval_s
        elif wait_s < self.least_s:
            self.least_s = wait_s
