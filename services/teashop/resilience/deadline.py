"""How long the caller still waits: work past that point is waste, wherever it stands.

The budget travels as a duration (`X-Request-Timeout-Ms`), not as a time of day, because clocks of
two machines differ and durations do not (as gRPC's `grpc-timeout` does). SRE book, ch. 22,
"Latency and Deadlines".
"""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on this process's monotonic clock, in seconds."""

    at_s: float

    def remaining_s(self, now_s: float) -> float:
        """Seconds left, never below 0."""
        left = self.at_s - now_s
        return max(0.0, left)

    def expired(self, now_s: float) -> bool:
        """Whether the caller has stopped waiting."""
        return now_s >= self.at_s

    @classmethod
    def from_header(cls, value: bytes | None, now_s: float, default_s: float, max_s: float) -> Self:
        """Read a remaining budget in whole milliseconds (`X-Request-Timeout-Ms`).

        No header, or one that is no integer, gives `default_s`; everything is capped at `max_s` so
        that a caller cannot hold a place for ever; a budget of 0 or less has expired.
        """
        budget_s = default_s
        if value is not None and len(value) <= 18:
            try:
                budget_s = int(value) / 1000.0
            except ValueError:
                budget_s = default_s
        return cls(now_s + max(0.0, min(budget_s, max_s)))

    def to_header(self, now_s: float) -> bytes:
        """The remaining budget for the next hop, rounded down: it must never wait longer."""
        return b"%d" % int(self.remaining_s(now_s) * 1000.0)


from_header = Deadline.from_header
"""`Deadline.from_header`, for callers that import functions."""
