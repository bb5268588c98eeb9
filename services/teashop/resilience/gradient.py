"""The gradient limit: the ratio of long-term to present time says how much may be in flight."""

from dataclasses import dataclass, field

from teashop.resilience.baseline import Baseline, BaselineConfig
from teashop.resilience.checks import above, at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class GradientConfig:
    """Settings of `GradientLimit`; the names follow Netflix's `Gradient2Limit`.

    Attributes:
        initial, minimum, maximum: the limit at the start and its bounds, in requests.
        tolerance: present time over long-term time that is no congestion yet.
        queue: requests that may wait, added at each step: this is how the limit probes upwards.
        smoothing: weight of the new limit against the old one.
        long_window: answers in the long-term mean.
        short_window: answers averaged for the present time; one step is made for each such group.
        climb: the long-term mean counts as this many times the baseline at most (the AI with a full
            batch takes 1.25 times as long as alone).
        baseline: the uncongested time, see `baseline.Baseline`.
    """

    initial: int = 24
    minimum: int = 8
    maximum: int = 512
    tolerance: float = 1.2
    queue: int = 4
    smoothing: float = 0.2
    long_window: int = 600
    short_window: int = 10
    climb: float = 1.25
    baseline: BaselineConfig = field(default_factory=BaselineConfig)

    def __post_init__(self) -> None:
        at_least(self, "minimum", self.minimum, 1)
        at_least(self, "maximum", self.maximum, self.minimum)
        within(self, "initial", self.initial, self.minimum, self.maximum)
        at_least(self, "tolerance", self.tolerance, 1.0)
        at_least(self, "queue", self.queue, 1)
        within(self, "smoothing", self.smoothing, 0.01, 1.0)
        above(self, "long_window", self.long_window, self.short_window)
        at_least(self, "short_window", self.short_window, 1)
        at_least(self, "climb", self.climb, 1.0)


class GradientLimit:
    """Netflix concurrency-limits, `Gradient2Limit`.

    gradient = clamp(tolerance·long/short, 1/2, 1); new = limit·gradient + queue;
    limit <- (1 - smoothing)·limit + smoothing·new, unless less than half of it is used (an idle
    server proves nothing). `long` is an exponential mean over `long_window` answers; when it is
    more than twice `short`, load has just fallen and it is shortened by 5 % a step to forget the
    past faster. A loss counts as gradient 1/2.

    One departure. `long` remembers no idle server: under a lasting overload it follows the queue,
    and the limit with it (in our simulation from 36 to 512 within ten minutes at 3x). So `long` is
    taken as `climb` times the uncongested baseline at most, which was the measure of their first
    gradient algorithm; then limit·(1 - gradient) = queue has a solution, at which the time is
    tolerance·climb·baseline/(1 - queue/limit).

    Not thread-safe.
    """

    __slots__ = ("_baseline", "_config", "_count", "_limit", "_long_s", "_lost", "_sum_s", "_warm")

    def __init__(self, config: GradientConfig) -> None:
        self._config = config
        self._baseline = Baseline(config.baseline)
        self._limit = float(config.initial)
        self._long_s = 0.0
        self._warm = 0
        self._sum_s = 0.0
        self._count = 0
        self._lost = False

    @property
    def limit(self) -> int:
        """Requests that may be in flight; lower for a moment while the baseline is probed."""
        config = self._config
        if self._baseline.probing:
            return max(config.minimum, int(self._limit * config.baseline.probe_share))
        return int(self._limit)

    @property
    def long_s(self) -> float:
        """The long-term mean time, seconds; 0 before the first answer."""
        return self._long_s

    def on_sample(
        self,
        now_s: float,
        rtt_s: float,
        in_flight: int,
        dropped: bool,
    ) -> None:
        """Take an answer into account; see `limit.Limit.on_sample`."""
        config = self._config
        if not dropped:
            self._baseline.on_sample(now_s, rtt_s)
        self._count += 1
        self._sum_s += rtt_s
        self._lost = self._lost or dropped
        if self._count < config.short_window:
            return
        short_s = self._sum_s / self._count
        lost = self._lost
        self._sum_s = 0.0
        self._count = 0
        self._lost = False
        if not lost:
            self._remember(short_s)
        if (in_flight * 2 < self._limit and not lost) or self._baseline.probing:
            return
        gradient = 0.5
        if not lost:
            long_s = min(self._long_s, config.climb * self._baseline.value_s)
            gradient = max(0.5, min(1.0, config.tolerance * long_s / max(short_s, 1e-9)))
        target = self._limit * gradient + config.queue
        smoothed = self._limit + config.smoothing * (target - self._limit)
        self._limit = max(float(config.minimum), min(float(config.maximum), smoothed))

    def _remember(self, short_s: float) -> None:
        groups = self._config.long_window / self._config.short_window
        # A plain mean until the window is full: the first answer must not weigh for ever.
        self._warm += 1
        self._long_s += (short_s - self._long_s) / min(self._warm, groups)
        if self._long_s > 2.0 * short_s:
            self._long_s *= 0.95
