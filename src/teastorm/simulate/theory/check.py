"""Runs the cases over many seeds and asks of each figure whether theory lies in its interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.many import pool_of
from teastorm.simulate.student import t_quantile
from teastorm.simulate.theory.cases import CASES, CUSTOMERS, Case

FEWEST = 10
LEVEL = 0.99
_EXACT = 1e-9
"""Little's law holds in every single run, but for the rounding of sums."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """One figure: the mean over seeds, theory, and the 99 % interval of the mean."""

    name: str
    value: float
    theory: float
    low: float
    high: float
    seeds: int

    @property
    def inside(self) -> bool:
        """Whether theory lies in the interval."""
        return self.low <= self.theory <= self.high

    def as_json(self) -> dict[str, object]:
        """Plain values, `inside` with them."""
        return {**asdict(self), "inside": self.inside}


def check_all(
    seeds: Sequence[int],
    *,
    cases: Sequence[Case] = CASES,
    customers: int = CUSTOMERS,
    workers: int = 1,
    told: Callable[[str], None] = lambda _name: None,
) -> list[Checked]:
    """Every figure of every case.

    With all laws true, each figure still lies outside its own interval once in a hundred sets of
    seeds: that is what 99 % means.

    Raises:
        ScenarioInvalid: fewer than ten seeds give no interval worth its name.
    """
    if len(seeds) < FEWEST:
        raise ScenarioInvalid(f"a theory check needs at least {FEWEST} seeds, got {len(seeds)}.")
    found: list[Checked] = []
    if workers > 1:
        with pool_of(workers) as pool:
            for case in cases:
                told(case.name)
                jobs = [(case.name, seed, customers) for seed in seeds]
                found += _figures(case, pool.starmap(_named, jobs, chunksize=1))
        return found
    for case in cases:
        told(case.name)
        found += _figures(case, [case.run(seed, customers=customers) for seed in seeds])
    return found


def _named(name: str, seed: int, customers: int) -> dict[str, float]:
    """By name, since a case holds functions that no pickle can send."""
    case = next(case for case in CASES if case.name == name)
    return case.run(seed, customers=customers)


def _figures(case: Case, runs: Sequence[dict[str, float]]) -> list[Checked]:
    figures = []
    for name, (_, theory) in case.reads.items():
        values = [run[name] for run in runs]
        mean = statistics.fmean(values)
        half = (
            t_quantile(len(values) - 1, (1 + LEVEL) / 2)
            * statistics.stdev(values)
            / math.sqrt(len(values))
        )
        figures.append(
            Checked(
                name=f"{case.name}/{name}",
                value=mean,
                theory=theory,
                low=mean - half,
                high=mean + half,
                seeds=len(values),
            )
        )
    worst = max((run["little"] for run in runs), key=lambda value: abs(value - 1))
    figures.append(
        Checked(
            name=f"{case.name}/little",
            value=worst,
            theory=1.0,
            low=worst - _EXACT,
            high=worst + _EXACT,
            seeds=len(runs),
        )
    )
    return figures
