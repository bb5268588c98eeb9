"""A stretch of a run's time, in seconds since its start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The half-open interval [start_s, end_s)."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not self.end_s >= self.start_s:
            raise ValueError(f"a window must end after it starts, got {self.start_s}..{self.end_s}")

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s

    def overlap_s(self, other: Window) -> float:
        """Seconds that both share."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))
