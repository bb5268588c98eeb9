"""Find the capacity K: the largest chat rate that is still served well. Pure; measuring is given.

K is bracketed around its theory first and then bisected (geometrically) until the bracket is no
wider than the tolerance; the lower end, a rate that was seen to be good, is K. DEFINITIONS.md,
"Capacity".
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from teastorm.load.errors import CapacityVoid, PlanInvalid


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What one constant rate came to.

    Attributes:
        good_share: share of good answers, 0..1.
        samples: arrivals behind it.
        growth: by how many seconds latency grew a second, once the batch was full: a queue that
            grows is overload, also while its answers still come in time.
    """

    good_share: float
    samples: int
    growth: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One rate tried."""

    rps: float
    good_share: float
    samples: int
    growth: float
    good: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Capacity:
    """K with what it rests on."""

    rps: float
    good_share: float
    theory_rps: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CapacityConfig:
    """How K is searched.

    Attributes:
        theory_rps: K_th = N·B / (f·(TTFT + tokens·ITL)); the search starts there.
        good_share: least share of good answers.
        max_growth: most growth of latency, in seconds a second, at a rate that can last.
        tolerance: widest bracket, as a share of K.
        min_samples: requests that each step must have.
        max_steps: bound of the steps; a bracket still too wide then voids the measurement.
        max_deviation: |K / K_th - 1| beyond which the measurement is void.
    """

    theory_rps: float
    good_share: float = 0.98
    max_growth: float = 0.03
    tolerance: float = 0.05
    min_samples: int = 300
    max_steps: int = 6
    max_deviation: float = 0.15

    def __post_init__(self) -> None:
        """Refuse values that no search can work with."""
        if not (math.isfinite(self.theory_rps) and self.theory_rps > 0):
            raise PlanInvalid(f"capacity.theory_rps must be above 0, got {self.theory_rps:g}.")
        if not 0 < self.good_share <= 1:
            raise PlanInvalid(f"capacity.good_share must be in 0..1, got {self.good_share:g}.")
        if not 0.005 <= self.tolerance < self.max_deviation:
            raise PlanInvalid("capacity.tolerance must be at least .005 and below max_deviation.")
        if self.max_steps < 2 or self.min_samples < 1:
            raise PlanInvalid("capacity.max_steps must be at least 2 and min_samples at least 1.")

    def step_seconds(self, rps: float) -> float:
        """How long a step at `rps` lasts so that its sample is large enough in all likelihood."""
        needed = self.min_samples + 3 * math.sqrt(self.min_samples)
        return math.ceil(needed / rps * 10) / 10


class CapacitySearch:
    """The search as a state machine: ask `next_rps`, measure, `record`, until it returns None."""

    def __init__(self, config: CapacityConfig) -> None:
        self._config = config
        self._steps: list[Step] = []
        self._low: Step | None = None
        self._high: float | None = None

    def next_rps(self) -> float | None:
        """The next rate to try, None when K is known; `CapacityVoid` when it cannot be."""
        config, low, high = self._config, self._low, self._high
        if low and high is not None and high / low.rps <= 1 + config.tolerance + 1e-9:
            return None
        if low and low.rps > config.theory_rps * (1 + config.max_deviation):
            raise CapacityVoid(self._far("at least", low.rps))
        if high is not None and high < config.theory_rps * (1 - config.max_deviation):
            raise CapacityVoid(self._far("below", high))
        if len(self._steps) >= config.max_steps:
            raise CapacityVoid(
                f"capacity is not known to {config.tolerance:.0%} after {config.max_steps} steps;"
                " measure again on a quieter machine."
            )
        # Half a tolerance above theory first: theory takes every batch for full, so a shop keeps up
        # with a little more, and the next step up or down closes the bracket.
        if low is None and high is None:
            return config.theory_rps * (1 + config.tolerance / 2)
        if low is None or high is None:
            widen = (1 + config.tolerance) ** max(1, len(self._steps) - 1)
            return low.rps * widen if low else (high or 0.0) / widen
        return math.sqrt(low.rps * high)

    def record(self, rps: float, result: StepResult) -> None:
        """Take the result of a step; `CapacityVoid` when it had too few samples."""
        if result.samples < self._config.min_samples:
            raise CapacityVoid(
                f"the step at {rps:.1f}/s had {result.samples} requests,"
                f" {self._config.min_samples} are needed; lengthen it."
            )
        config = self._config
        good = result.good_share >= config.good_share and result.growth <= config.max_growth
        step = Step(
            rps=rps,
            good_share=result.good_share,
            samples=result.samples,
            growth=result.growth,
            good=good,
        )
        self._steps.append(step)
        if good and (self._low is None or rps > self._low.rps):
            self._low = step
        if not good and (self._high is None or rps < self._high):
            self._high = rps

    def capacity(self) -> Capacity:
        """K, cross-checked against theory; `CapacityVoid` when they disagree or K is unknown."""
        if self._low is None:
            raise CapacityVoid("no rate was served well enough; is the shop healthy?")
        if abs(self._low.rps / self._config.theory_rps - 1) > self._config.max_deviation:
            raise CapacityVoid(self._far("about", self._low.rps))
        return Capacity(
            rps=self._low.rps,
            good_share=self._low.good_share,
            theory_rps=self._config.theory_rps,
            steps=tuple(self._steps),
        )

    def _far(self, how: str, rps: float) -> str:
        return (
            f"measured capacity is {how} {rps:.1f}/s where theory says"
            f" {self._config.theory_rps:.1f}/s; more than {self._config.max_deviation:.0%} apart"
            " means that something other than the AI is the limit, or the machine is busy."
        )


def find_capacity(measure: Callable[[float], StepResult], config: CapacityConfig) -> Capacity:
    """Search K with a blocking `measure(rate_rps)`; raises `CapacityVoid`.

    `measure` offers chat at that rate for `config.step_seconds(rate_rps)`, beside the critical mix.
    """
    search = CapacitySearch(config)
    while (rps := search.next_rps()) is not None:
        search.record(rps, measure(rps))
    return search.capacity()


async def find_capacity_async(
    measure: Callable[[float], Awaitable[StepResult]], config: CapacityConfig
) -> Capacity:
    """The same with an awaitable `measure`."""
    search = CapacitySearch(config)
    while (rps := search.next_rps()) is not None:
        search.record(rps, await measure(rps))
    return search.capacity()
