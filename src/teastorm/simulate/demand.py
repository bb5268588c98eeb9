"""Who comes when: a rate over time with a mix, or the very arrivals of a recorded run.

Rates are piecewise constant and arrivals Poisson, as `teastorm.load.chance` draws them. That
module holds a whole run in memory with every utterance; here arrivals are drawn slice by slice,
so that ten million of them take no more memory than a thousand.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from teastorm.load.curve import DemandCurve
from teastorm.load.plan import LoadPlan
from teastorm.load.settings import Mix
from teastorm.simulate.errors import ScenarioInvalid

MOST_ORDERS = 1e10
"""Of a demand: days of computing, compiled; what is beyond is a slip of units."""


class Step(NamedTuple):
    """A stretch of constant chat rate; seconds from the load's start."""

    start_s: float
    end_s: float
    rps: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """The chat rate as steps that follow one another from 0 on, and the mix beside it.

    Attributes:
        name: for results.
        steps: at least one, each of positive length, without gaps.
        mix: menu, checkouts and the rest.
        plan, plan_seed: draw the very arrivals of a load plan instead (`Demand.of_plan`).
    """

    name: str
    steps: tuple[Step, ...]
    mix: Mix = field(default_factory=Mix)
    plan: LoadPlan | None = None
    plan_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no demand can be."""
        if not self.steps:
            raise ScenarioInvalid(f"demand {self.name}: it is empty; give at least one step.")
        at_s = 0.0
        for number, step in enumerate(self.steps):
            where = f"demand {self.name}: steps[{number}]"
            if not all(map(math.isfinite, step)):
                raise ScenarioInvalid(f"{where} must be three numbers, got {step}.")
            if abs(step.start_s - at_s) > 1e-6:
                raise ScenarioInvalid(
                    f"{where} must start at {at_s:g} s where the one before ends,"
                    f" got {step.start_s:g}; times may neither fall nor leave gaps."
                )
            if not step.end_s > step.start_s:
                raise ScenarioInvalid(f"{where} must end after {step.start_s:g} s.")
            if step.rps < 0:
                raise ScenarioInvalid(f"{where}: the rate must be 0 or above, got {step.rps:g}.")
            at_s = step.end_s
        if not any(step.rps > 0 for step in self.steps):
            raise ScenarioInvalid(f"demand {self.name}: every rate is 0; nobody would come.")
        if self.orders > MOST_ORDERS:
            raise ScenarioInvalid(
                f"demand {self.name}: {self.orders:.3g} chats would come, {MOST_ORDERS:g} is the "
                "most that is simulated; take a part of it, or a share of its rates."
            )

    @property
    def seconds(self) -> float:
        """How long the load lasts."""
        return self.steps[-1].end_s

    @property
    def orders(self) -> float:
        """Expected chats: what the day calls orders, one chat each."""
        return sum((s.end_s - s.start_s) * s.rps for s in self.steps)

    @property
    def peak_rps(self) -> float:
        """The highest chat rate."""
        return max(s.rps for s in self.steps)

    @classmethod
    def constant(cls, rps: float, seconds: float, *, mix: Mix | None = None) -> Demand:
        """One rate all the time."""
        name = f"{rps:g}/s for {seconds:g} s"
        return cls(name=name, steps=(Step(0.0, seconds, rps),), mix=mix or Mix())

    @classmethod
    def of_curve(
        cls,
        curve: DemandCurve,
        *,
        orders: float | None = None,
        peak_rps: float | None = None,
        seconds: float | None = None,
        mix: Mix | None = None,
    ) -> Demand:
        """A curve with its peak at `peak_rps`, or scaled so that `orders` come in all.

        Args:
            seconds: the length; the curve's own by default.
        """
        length_s = curve.seconds if seconds is None else seconds
        if (orders is None) == (peak_rps is None):
            raise ScenarioInvalid("a curve needs either the orders in all or the peak's rate.")
        if not length_s > 0:
            raise ScenarioInvalid(f"demand {curve.name}: seconds must be above 0.")
        if orders is not None:
            peak_rps = orders / (curve.total(peak_rps=1.0) * length_s / curve.seconds)
        widths = curve.compressed(time_factor=1.0, peak_rps=peak_rps or 0.0)
        steps, at_s = [], 0.0
        for width_s, rps in widths:
            end_s = at_s + width_s * length_s / curve.seconds
            steps.append(Step(at_s, end_s, rps))
            at_s = end_s
        return cls(name=curve.name, steps=tuple(steps), mix=mix or Mix())

    @classmethod
    def of_rates(
        cls, name: str, points: Sequence[tuple[float, float]], *, mix: Mix | None = None
    ) -> Demand:
        """From `(time_s, rps)` points, each rate holding until the next point's time.

        The last point only ends the demand. Raises ScenarioInvalid for fewer than two points or
        times that do not rise.
        """
        if len(points) < 2:
            raise ScenarioInvalid(f"demand {name}: it needs at least two points.")
        zero_s = points[0][0]
        steps = []
        for number, ((a, rps), (b, _)) in enumerate(itertools.pairwise(points)):
            if not b > a:
                raise ScenarioInvalid(
                    f"demand {name}: point {number + 2}: times must rise, got {b:g} after {a:g}."
                )
            steps.append(Step(a - zero_s, b - zero_s, rps))
        return cls(name=name, steps=tuple(steps), mix=mix or Mix())

    @classmethod
    def of_plan(cls, name: str, plan: LoadPlan, seed: int) -> Demand:
        """The very arrivals that the load generator draws from `plan` with `seed`."""
        steps = tuple(Step(s.start_s, s.end_s, s.rps) for s in plan.segments())
        return cls(name=name, steps=steps, mix=plan.mix, plan=plan, plan_seed=seed)
