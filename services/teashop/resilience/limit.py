"""How many requests may be in flight: what any limit is asked, and the one that never moves.

Time and load arrive as data, one sample per answer; `admission.Limiter` does the counting. A limit
on concurrency needs no knowledge of rates: by Little's law in-flight = rate x time, so a server
whose time grows is offered less at once.
"""

from typing import Protocol


class Limit(Protocol):
    """What a limiter asks of its maths."""

    __slots__ = ()

    @property
    def limit(self) -> int:
        """Requests that may be in flight, at least 1."""

    def on_sample(self, now_s: float, rtt_s: float, in_flight: int, dropped: bool) -> None:
        """An answer came.

        Args:
            now_s: when, in monotonic seconds.
            rtt_s: how long it took.
            in_flight: how many were in flight, this one included.
            dropped: it was lost to load (time-out, refused by the dependency).
        """


class FixedLimit(Limit):
    """A limit that samples do not move: the bulkhead of old, and the arm without adaptation."""

    __slots__ = ("_limit",)

    def __init__(self, n: int) -> None:
        if n < 1:
            raise ValueError(f"FixedLimit.n must be at least 1, got {n}.")
        self._limit = n

    @property
    def limit(self) -> int:
        """Always the same."""
        return self._limit

    def on_sample(self, now_s: float, rtt_s: float, in_flight: int, dropped: bool) -> None:
        """Ignore the sample."""
