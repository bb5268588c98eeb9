"""The AIMD limit: one more a round trip while answers come in time, a tenth less when they do not."""

import math
from dataclasses import dataclass, field

from teashop.resilience.baseline import Baseline, BaselineConfig
from teashop.resilience.checks import above, at_least, within
from teashop.resilience.limit import Limit


@dataclass(frozen=True, kw_only=True, slots=True)
class AimdConfig:
    """Settings of `AimdLimit`.

    Attributes:
        initial, minimum, maximum: the limit at the start and its bounds, in requests.
        tolerance: the mean time may be this many times the baseline. Of the AI, 0.40 s alone and
            0.50 s with a full batch, 1.4 lets the batch fill and a tenth of it wait.
        slack_s: and at least so much longer than the baseline is allowed whatever the tolerance: for
            a dependency of milliseconds, a hiccup of the machine is no congestion.
        backoff: the limit is multiplied by this on congestion.
        doubt: share of the limit by which slowness must have eased to be called congestion.
        judged: samples in each mean; fewer would take one slow answer for congestion.
        baseline: the uncongested time, see `baseline.Baseline`.
    """

    initial: int = 24
    minimum: int = 8
    maximum: int = 512
    tolerance: float = 1.4
    slack_s: float = 0.05
    backoff: float = 0.9
    doubt: float = 0.6
    judged: int = 8
    baseline: BaselineConfig = field(default_factory=BaselineConfig)

    def __post_init__(self) -> None:
        at_least(self, "minimum", self.minimum, 1)
        at_least(self, "maximum", self.maximum, self.minimum)
        within(self, "initial", self.initial, self.minimum, self.maximum)
        above(self, "tolerance", self.tolerance, 1.0)
        at_least(self, "slack_s", self.slack_s, 0.0)
        within(self, "backoff", self.backoff, 0.1, 0.99)
        within(self, "doubt", self.doubt, 0.1, 0.95)
        at_least(self, "judged", self.judged, 1)


class AimdLimit(Limit):
    """Additive increase, multiplicative decrease, on time against a baseline and on losses.

    After Netflix concurrency-limits (`AIMDLimit`: +1 while used by half, x backoff on a loss or a
    slow answer) with TCP's two rules (Jacobson 1988): +1 per limit's worth of answers, that is one
    per round trip; at most one decrease per round trip, by judging only answers to requests that
    *began* after the last decrease: the others were already under way and say nothing of it.

    Where it settles: with B places, time t(n) up to a full batch and t(B)·n/B beyond, growth ends
    at t = tolerance·t0, that is n = B·tolerance·t0/t(B). For the AI (t0 = .40, t(B) = .50, B = 32)
    n swings between 36 and 32: the batch stays full, at most 4 wait.

    Two ways to be slow. A queue of our own making shrinks with the limit. A server that has become
    slower (a colder cache, an injected latency) does not, and shrinking on would shed for nothing:
    when the limit has fallen to `doubt` of where the slow spell began (or to the minimum) and the
    mean time is still within a tenth of what it was, that time is taken for the new normal; see
    `Baseline.relearn`. A quicker answer takes the lesson back at once.

    Not thread-safe.
    """

    __slots__ = (
        "_base_s",
        "_baseline",
        "_config",
        "_count",
        "_decreased_s",
        "_judged",
        "_limit",
        "_most",
        "_most_s",
        "_now",
        "_seen",
        "_slack_s",
        "_spell",
        "_sum_s",
        "_tolerance",
    )

    def __init__(self, config: AimdConfig) -> None:
        self._config = config
        self._baseline = Baseline(config.baseline)
        self._tolerance = config.tolerance
        self._slack_s = config.slack_s
        self._judged = config.judged
        self._most = float(config.maximum)
        self._base_s = self._most_s = math.inf  # the baseline last judged by, and what it allows
        self._limit = float(config.initial)
        self._now = config.initial  # `limit`, worked out whenever it moves: it is read far oftener
        self._decreased_s = -math.inf
        self._spell: tuple[float, float] | None = None
        self._seen = 0
        self._sum_s = 0.0
        self._count = 0

    @property
    def limit(self) -> int:
        """Requests that may be in flight; lower for a moment while the baseline is probed."""
        return self._now

    @property
    def baseline_s(self) -> float:
        """The uncongested time, seconds; infinite before the first answer."""
        return self._baseline.value_s

    def on_sample(self, now_s: float, rtt_s: float, in_flight: int, dropped: bool) -> None:
        """Take an answer into account; see `Limit.on_sample`."""
        if dropped:
            if now_s - rtt_s >= self._decreased_s:
                self._decrease(now_s)
            return
        baseline = self._baseline
        probing = baseline.probing
        baseline.on_sample(now_s, rtt_s)
        if (probing or baseline.probing) and self._tell():
            return
        if now_s - rtt_s < self._decreased_s:
            return
        limit = self._limit
        base_s = baseline.value_s
        if base_s != self._base_s:
            self._base_s = base_s
            self._most_s = max(self._tolerance * base_s, base_s + self._slack_s)
        most_s = self._most_s
        self._sum_s += rtt_s
        self._count += 1
        if self._count >= self._judged:
            mean_s = self._sum_s / self._count
            self._sum_s = 0.0
            self._count = 0
            if mean_s > most_s:
                self._slow(now_s, mean_s)
                return
            self._spell = None
        if in_flight * 2 >= limit and rtt_s <= most_s:
            self._seen += 1
            if self._seen >= limit:
                self._seen = 0
                self._limit = min(self._most, limit + 1.0)
                self._tell()

    def _slow(self, now_s: float, mean_s: float) -> None:
        """Congestion, unless less load has been seen not to help."""
        config = self._config
        # Measured from its worst: answers to what was let in before the limit fell come late.
        if self._spell is None or mean_s > 1.05 * self._spell[1]:
            self._spell = (self._limit, mean_s)
        began, then_s = self._spell
        if self._limit <= max(config.minimum, config.doubt * began):
            if mean_s > 0.9 * then_s:
                self._baseline.relearn(now_s, mean_s / math.sqrt(config.tolerance))
                self._spell = None
                return
            self._spell = (self._limit, mean_s)
        self._decrease(now_s)

    def _decrease(self, now_s: float) -> None:
        self._limit = max(float(self._config.minimum), self._limit * self._config.backoff)
        self._decreased_s = now_s
        self._seen = 0
        self._sum_s = 0.0
        self._count = 0
        self._tell()

    def _tell(self) -> bool:
        """Work out `limit` anew; whether the baseline is being probed."""
        probing = self._baseline.probing
        if probing:
            share = self._config.baseline.probe_share
            self._now = max(self._config.minimum, int(self._limit * share))
        else:
            self._now = int(self._limit)
        return probing
