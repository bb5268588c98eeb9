"""When to come back: the number in Retry-After (RFC 9110, section 10.2.3), in whole seconds."""

import math
import random
from dataclasses import dataclass

from teashop.resilience.checks import at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryAfterConfig:
    """Settings of the answer.

    Attributes:
        minimum_s: never less; at least 1, since 0 invites an immediate second try.
        maximum_s: never more, jitter included (rounded down to whole seconds).
        jitter: width of the spread as a share of the wait.
        spread_s: width of the spread at least, so that short waits are spread too.
    """

    minimum_s: int = 1
    maximum_s: float = 60.0
    jitter: float = 0.5
    spread_s: float = 2.0

    def __post_init__(self) -> None:
        at_least(self, "minimum_s", self.minimum_s, 1)
        at_least(self, "maximum_s", self.maximum_s, self.minimum_s + 1)
        within(self, "jitter", self.jitter, 0.0, 1.0)
        at_least(self, "spread_s", self.spread_s, 0.0)


class RetryAfter:
    """Backlog over drain rate is the time at which there is room again; the jitter is on top.

    By Little's law a queue of b drained at r a second is gone after b/r. If all who were refused
    in one second were told the same number they would come back in one second; so the answer is
    uniform over [w, w + max(spread, jitter·w)], rounded up. The whole spread lies below the
    maximum: capping each draw would put everybody on the cap. From the wait whose spread just fits,
    maximum/(1 + jitter), it no longer widens: it could only widen downwards, and the longest
    backlogs would be asked back sooner than shorter ones.
    """

    __slots__ = ("_jitter", "_least", "_low_s", "_most", "_most_s", "_spread_s", "_top_s",
                 "_widens_to_s")  # fmt: skip

    def __init__(self, config: RetryAfterConfig | None = None) -> None:
        config = config or RetryAfterConfig()
        self._jitter = config.jitter
        self._spread_s = config.spread_s
        self._least = config.minimum_s
        self._low_s = config.minimum_s - 1.0
        self._most = int(config.maximum_s)
        self._top_s = float(self._most)
        self._widens_to_s = self._top_s / (1.0 + config.jitter)
        self._most_s = self._top_s - config.minimum_s

    def seconds(self, backlog: float, drain_rate_rps: float, rng: random.Random) -> int:
        """Whole seconds, `minimum_s` to `maximum_s`, for `backlog` requests ahead.

        A drain rate of 0 or less (nothing is being served) asks for the longest wait.
        """
        wait_s = backlog / drain_rate_rps if drain_rate_rps > 0.0 else math.inf
        if not wait_s >= 0.0:  # below 0 nobody waits; not-a-number compares with nothing
            wait_s = 0.0 if wait_s < 0.0 else math.inf
        # Every bound is a comparison: seven calls of min and max took as long as the rest.
        spread_s = self._jitter * (wait_s if wait_s < self._widens_to_s else self._widens_to_s)
        if spread_s < self._spread_s:
            spread_s = self._spread_s
        if spread_s > self._most_s:
            spread_s = self._most_s
        low_s = self._top_s - spread_s
        if wait_s < low_s:
            low_s = wait_s
        if low_s < self._low_s:
            low_s = self._low_s
        seconds = math.ceil(low_s + rng.random() * spread_s)
        if seconds < self._least:
            return self._least
        return seconds if seconds < self._most else self._most
