"""What a setting comes to: several seeds simulated, their means and how sure those are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from teastorm.simulate.run import simulate
from teastorm.simulate.scaling import Scaling
from teastorm.simulate.scenario import Scenario
from teastorm.simulate.summary import mean_of
from teastorm.tune.compress import compressed
from teastorm.tune.service import Service
from teastorm.tune.slo import Measured, Slo
from teastorm.tune.workers import each


@dataclass(frozen=True, kw_only=True, slots=True)
class One:
    """One seed of one setting; hours are the day's, however far it was compressed.

    `curve` is (seconds of the day, wanted, ready).
    """

    seed: int
    offered: int
    missed: int
    refused: int
    p99_s: float | None
    pod_hours: float
    changes: int
    curve: tuple[tuple[float, int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A mean over seeds and half of its 95 % interval; None with one seed."""

    mean: float
    half_width: float | None

    @property
    def high(self) -> float:
        """The interval's upper end."""
        return self.mean + (self.half_width or 0.0)

    @property
    def low(self) -> float:
        """The interval's lower end."""
        return self.mean - (self.half_width or 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """All seeds of one setting."""

    runs: tuple[One, ...]

    @property
    def miss_share(self) -> Figure:
        """Requests that were not good, as a share."""
        return self._share([run.missed for run in self.runs])

    @property
    def refused_share(self) -> Figure:
        """Requests refused in the end, as a share."""
        return self._share([run.refused for run in self.runs])

    def _share(self, counts: Sequence[int]) -> Figure:
        """Of the offered. Seeds that saw none agree, but do not prove that there are none.

        The interval is then the rule of three (Hanley and Lippman-Hand 1983): of N requests without
        one, up to 3 / N.
        """
        offered = [max(1, run.offered) for run in self.runs]
        found = _figure([count / of for count, of in zip(counts, offered, strict=True)])
        if any(counts) or found.half_width is None:
            return found
        return Figure(mean=found.mean, half_width=min(1.0, 3 / sum(offered)))

    @property
    def p99_s(self) -> Figure | None:
        """Of good answers; None without any."""
        found = [run.p99_s for run in self.runs if run.p99_s is not None]
        return _figure(found) if found else None

    @property
    def pod_hours(self) -> Figure:
        """Replicas times hours of the day."""
        return _figure([run.pod_hours for run in self.runs])

    @property
    def changes(self) -> Figure:
        """How often the wanted replicas changed."""
        return _figure([float(run.changes) for run in self.runs])

    def measured(self, *, cautious: bool = False) -> Measured:
        """The means against objectives; `cautious`: the ends of the intervals that count against."""
        p99 = self.p99_s
        if cautious:
            return Measured(
                good=1 - self.miss_share.high,
                refused=self.refused_share.high,
                p99_s=None if p99 is None else p99.high,
            )
        return Measured(
            good=1 - self.miss_share.mean,
            refused=self.refused_share.mean,
            p99_s=None if p99 is None else p99.mean,
        )

    def meets(self, slo: Slo, *, cautious: bool = False) -> bool:
        """Whether every objective is met by the means, or by the whole intervals."""
        return slo.excess(self.measured(cautious=cautious)) == 0


def score(
    service: Service,
    scalings: Sequence[Scaling],
    seeds: Sequence[int],
    *,
    factor: float,
    executor: Executor | None = None,
) -> list[Score]:
    """One score for each scaling, in order; the same seeds for all (common random numbers)."""
    jobs = [
        (compressed(_scenario(service, scaling), factor), seed, factor)
        for scaling in scalings
        for seed in seeds
    ]
    results = each(_one, jobs, executor)
    width = len(seeds)
    return [
        Score(runs=tuple(results[index * width : (index + 1) * width]))
        for index in range(len(scalings))
    ]


def _scenario(service: Service, scaling: Scaling) -> Scenario:
    replicas = min(
        max(service.scenario.replicas, scaling.spec.min_replicas), scaling.spec.max_replicas
    )
    return dataclasses.replace(
        service.scenario, scaling=scaling, replicas=replicas, events=(), window_s=None
    )


def _one(job: tuple[Scenario, int, float]) -> One:
    scenario, seed, factor = job
    result = simulate(scenario, seed)
    chat = result.classes["chat"]
    return One(
        seed=seed,
        offered=chat.offered,
        missed=result.slo_misses,
        refused=chat.refused,
        p99_s=chat.p99_s,
        pod_hours=result.pod_seconds * factor / 3600,
        changes=result.changes,
        curve=tuple((r.at_s * factor, r.wanted, r.ready) for r in result.replicas),
    )


def _figure(values: Sequence[float]) -> Figure:
    found = mean_of(values)
    mean = found["mean"]
    return Figure(mean=math.nan if mean is None else mean, half_width=found["half_width"])
