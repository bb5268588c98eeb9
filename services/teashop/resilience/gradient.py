"""The gradient limit: the ratio of long-term to present time says how much may be in flight."""

from dataclasses import dataclass

from teashop.resilience.checks import above, at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class GradientConfig:
    """Settings of `GradientLimit`; names and defaults follow Netflix's `Gradient2Limit`.

    Attributes:
        initial, minimum, maximum: the limit at the start and its bounds, in requests.
        tolerance: present time over long-term time that is no congestion yet.
        queue: requests that may wait, added at each step: this is how the limit probes upwards.
        smoothing: weight of the new limit against the old one.
        long_window: answers in the long-term mean.
        short_window: answers averaged for the present time; one step is made for each such group.
    """

    initial: int = 24
    minimum: int = 8
    maximum: int = 512
    tolerance: float = 1.3
    queue: int = 4
    smoothing: float = 0.2
    long_window: int = 600
    short_window: int = 10

    def __post_init__(self) -> None:
        at_least(self, "minimum", self.minimum, 1)
        at_least(self, "maximum", self.maximum, self.minimum)
        within(self, "initial", self.initial, self.minimum, self.maximum)
        at_least(self, "tolerance", self.tolerance, 1.0)
        at_least(self, "queue", self.queue, 1)
        within(self, "smoothing", self.smoothing, 0.01, 1.0)
        above(self, "long_window", self.long_window, self.short_window)
        at_least(self, "short_window", self.short_window, 1)


class GradientLimit:
    """Netflix concurrency-limits, `Gradient2Limit`.

    gradient = clamp(tolerance·long/short, 1/2, 1); new = limit·gradient + queue;
    limit <- (1 - smoothing)·limit + smoothing·new, unless less than half of it is used (an idle
    server proves nothing). `long` is an exponential mean over `long_window` answers; when it is
    more than twice `short`, load has just fallen and it is shortened by 5 % a step to forget the
    past faster. A loss counts as gradient 1/2.

    Known weakness, which is why `AimdLimit` is the default: `long` has no memory of an idle server,
    so under hours of overload it follows the queue and the limit climbs towards `maximum`.

    Not thread-safe.
    """

    __slots__ = ("_config", "_count", "_limit", "_long_s", "_lost", "_sum_s", "_warm")

    def __init__(self, config: GradientConfig) -> None:
        self._config = config
        self._limit = float(config.initial)
        self._long_s = 0.0
        self._warm = 0
        self._sum_s = 0.0
        self._count = 0
        self._lost = False

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        return int(self._limit)

    @property
    def long_s(self) -> float:
        """The long-term mean time, seconds; 0 before the first answer."""
        return self._long_s

    def on_sample(
        self,
        *,
        now_s: float,  # noqa: ARG002 - the protocol's; this limit counts answers, not seconds
        rtt_s: float,
        in_flight: int,
        dropped: bool,
    ) -> None:
        """Take an answer into account; see `limit.Limit.on_sample`."""
        config = self._config
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
        if in_flight * 2 < self._limit and not lost:
            return
        gradient = 0.5
        if not lost:
            gradient = max(0.5, min(1.0, config.tolerance * self._long_s / max(short_s, 1e-9)))
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
