"""How a load gets on: what has been counted, and each second of it as the generator tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from teastorm.load.plan import LoadPlan


@dataclass(slots=True)
class Tally:
    """What happened so far. Chat only, but for `in_flight`: classes are not summed."""

    offered: int = 0
    good: int = 0
    refused: int = 0
    in_flight: int = 0

    def as_json(self) -> dict[str, int]:
        """What a worker tells its master: `Tally(**…)` gives it back."""
        return asdict(self)

    @classmethod
    def sum_of(cls, tallies: Iterable[Tally]) -> Tally:
        """Of all workers."""
        total = cls()
        for tally in tallies:
            total.offered += tally.offered
            total.good += tally.good
            total.refused += tally.refused
            total.in_flight += tally.in_flight
        return total


@dataclass(frozen=True, slots=True)
class Progress:
    """One second of load. The rates are of chat; `in_flight` is of every class.

    Attributes:
        t_s: since the run's t0.
        phase: its name, or `tail` while the last answers come.
        left_s: until the schedule ends.
    """

    t_s: float
    phase: str
    offered_rps: float
    good_rps: float
    refused_rps: float
    in_flight: int
    left_s: float

    def as_json(self) -> dict[str, object]:
        """A line of the generator's standard output."""
        return asdict(self)

    @classmethod
    def of(cls, line: Mapping[str, object]) -> Progress | None:
        """The second that such a line tells of; None when it tells something else."""
        return cls(**line) if "phase" in line else None  # type: ignore[arg-type]  # `as_json` wrote it


class Seconds:
    """Turns counts that only grow into progress, from one call to the next. One owner.

    Args:
        load_start_s: when the plan's first second begins, since the run's t0.
    """

    def __init__(self, plan: LoadPlan, load_start_s: float) -> None:
        self._plan = plan
        self._load_start_s = load_start_s
        self._before = Tally()

    def progress(self, now_s: float, total: Tally) -> Progress:
        """The second that ends at `now_s` since t0, by which `total` had happened."""
        into_s = now_s - self._load_start_s
        before, self._before = self._before, total
        windows = self._plan.windows()
        return Progress(
            t_s=round(now_s, 2),
            phase=next((phase.name for phase, _, end_s in windows if into_s < end_s), "tail"),
            offered_rps=total.offered - before.offered,
            good_rps=total.good - before.good,
            refused_rps=total.refused - before.refused,
            in_flight=total.in_flight,
            left_s=round(max(0.0, self._plan.seconds - into_s), 1),
        )
