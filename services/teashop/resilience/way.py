"""How much of a call's time is the way to the dependency, and none of its doing."""

import math

from teashop.resilience.checks import above, at_least


class Way:
    """The least time that calls spend between here and a dependency which says how long it took.

    A caller that limits its concurrency by latency takes a slow network for a full server, and
    sheds for nothing: the limit falls, the server idles, the time stays. A server that reports its
    own time (W3C Server-Timing; Envoy's x-envoy-upstream-service-time) tells the two apart. What is
    left of a call is way and waiting on the way; the least of it in the recent past is the way, as
    BBR takes the least round trip for the path's own (Cardwell et al., "BBR: Congestion-Based
    Congestion Control", ACM Queue 2016), and only that much is taken off: waiting in sockets and
    event loops, which the server does not see, still counts as congestion.

    The minimum is over the current span and the one before it. A span ends after `span_s` seconds,
    but not before `enough` calls, so that few calls cannot make waiting look like way. Not
    thread-safe; pure: time is passed in.
    """

    __slots__ = ("_before_s", "_began_s", "_calls", "_enough", "_now_s", "_span_s")

    def __init__(self, *, span_s: float = 0.5, enough: int = 8) -> None:
        self._span_s = span_s
        self._enough = enough
        above(self, "span_s", span_s, 0.0)
        at_least(self, "enough", enough, 1)
        self._before_s = math.inf
        self._now_s = math.inf
        self._began_s = -math.inf
        self._calls = 0

    @property
    def least_s(self) -> float:
        """The way, seconds; 0 while nothing is known of it."""
        least_s = min(self._before_s, self._now_s)
        return 0.0 if math.isinf(least_s) or math.isinf(self._before_s) else least_s

    def without(self, *, now_s: float, rtt_s: float, served_s: float | None) -> float:
        """The time of a call without the way.

        Args:
            rtt_s: how long it took, seen from here.
            served_s: how long the dependency says it took; None when it does not say.
        """
        if served_s is None:
            return rtt_s
        if self._calls >= self._enough and now_s - self._began_s >= self._span_s:
            self._before_s, self._now_s = self._now_s, math.inf
            self._calls = 0
        if self._calls == 0:
            self._began_s = now_s
        self._calls += 1
        self._now_s = min(self._now_s, max(0.0, rtt_s - served_s))
        return max(min(served_s, rtt_s), rtt_s - self.least_s)
