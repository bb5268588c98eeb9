"""What a batch holds: one sequence, how it can end, and the limits and speeds of its batch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a sequence ended."""

    FINISHED = "finished"
    ORPHANED = "orphaned"
    """Finished with nobody left to read it: the work was wasted."""
    EXPIRED = "expired"
    ABANDONED = "abandoned"
    EVICTED = "evicted"
    """Pushed out of the full waiting queue by a more important one."""


class QueueFull(Exception):
    """The waiting queue is full; `wait_s` is how long the backlog takes to drain."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"the waiting queue is full; it drains in {wait_s:.2f} s")
        self.wait_s = wait_s


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchConfig:
    """Limits and speeds of a batch; times in seconds of a sequence that runs alone."""

    max_num_seqs: int
    max_waiting: int
    ttft_s: float
    itl_s: float
    slowdown: float
    priorities: bool = True
    """Lower ranks first; off: first come, first served."""
    deadlines: bool = True
    """Drop what is late, or would be if it started now; off: deadlines are ignored."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.max_num_seqs < 1 or self.max_waiting < 0:
            raise ValueError("max_num_seqs must be at least 1 and max_waiting at least 0")
        if self.ttft_s < 0 or self.itl_s <= 0 or self.slowdown < 1:
            raise ValueError("ttft_s must be at least 0, itl_s above 0, slowdown at least 1")


class Sequence:
    """One request in the batch. The batch writes it; callers read it.

    Attributes:
        origin: virtual time at its start.
    """

    __slots__ = ("deadline_s", "ended_s", "first_token_s", "number", "origin", "orphaned",
                 "outcome", "rank", "started_s", "submitted_s", "tokens", "work_s")  # fmt: skip

    def __init__(
        self,
        number: int,
        tokens: int,
        rank: int,
        deadline_s: float,
        work_s: float,
        submitted_s: float,
    ) -> None:
        self.number = number
        self.tokens = tokens
        self.rank = rank
        self.deadline_s = deadline_s
        self.work_s = work_s
        self.submitted_s = submitted_s
        self.started_s: float | None = None
        self.first_token_s: float | None = None
        self.ended_s: float | None = None
        self.outcome: Outcome | None = None
        self.orphaned = False
        self.origin = 0.0

    @property
    def running(self) -> bool:
        """Whether it holds a slot now."""
        return self.started_s is not None and self.outcome is None

    @property
    def held_s(self) -> float:
        """Seconds it held a slot; 0 if it never started or has not ended."""
        if self.started_s is None or self.ended_s is None:
            return 0.0
        return self.ended_s - self.started_s
