"""The time an answer takes when nothing waits: what every latency-based limit is measured by.

The difficulty is old (Brakmo & Peterson's Vegas 1995, BBR's min-RTT filter, Cardwell et al. 2016):
a minimum kept for ever never learns that the server became slower; a minimum that is forgotten
takes a standing queue for the new normal, and the limit climbs.
"""

import math
from dataclasses import dataclass

from teashop.resilience.checks import above, at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineConfig:
    """Settings of a baseline.

    Attributes:
        window_s: the minimum is taken over one to two windows of this length.
        drift_per_minute: it may rise by this share a minute (.1: from .40 s to .44 s).
        probe_every_s: with no answer near the baseline for so long, load is lowered for a moment to
            see whether the server is slower or merely busy; 0 never probes.
        probe_share: the share of the limit that stays during a probe.
        probe_rtts: how many round trips a probe lasts.
    """

    window_s: float = 60.0
    drift_per_minute: float = 0.1
    probe_every_s: float = 60.0
    probe_share: float = 0.6
    probe_rtts: float = 2.0

    def __post_init__(self) -> None:
        above(self, "window_s", self.window_s, 0.0)
        at_least(self, "drift_per_minute", self.drift_per_minute, 0.0)
        at_least(self, "probe_every_s", self.probe_every_s, 0.0)
        within(self, "probe_share", self.probe_share, 0.1, 1.0)
        at_least(self, "probe_rtts", self.probe_rtts, 1.0)


class Baseline:
    """A windowed minimum that falls at once, rises slowly, and is probed when it grows stale.

    value(t) = min(minimum over the last one to two windows, value(t0)·(1 + drift·(t - t0)/60)):
    a permanently loaded server moves it by `drift_per_minute` at most, so a minute of overload
    cannot capture it. Over hours drift alone would follow any standing queue; therefore, as BBR's
    ProbeRTT does, the limit is lowered for about two round trips when no answer has come within a
    tenth of the baseline for `probe_every_s`. That shows the uncongested time again and costs about
    (1 - probe_share)·2·rtt/probe_every_s of throughput: under 1 %.

    Not thread-safe.
    """

    __slots__ = (
        "_config",
        "_current_s",
        "_near_s",
        "_previous_s",
        "_probe_ends_s",
        "_raised_s",
        "_window_ends_s",
        "probing",
        "value_s",
    )

    def __init__(self, config: BaselineConfig) -> None:
        self._config = config
        self.value_s = math.inf
        self.probing = False
        self._current_s = math.inf
        self._previous_s = math.inf
        self._window_ends_s = -math.inf
        self._raised_s = -math.inf
        self._near_s = -math.inf
        self._probe_ends_s = -math.inf

    def on_sample(self, now_s: float, rtt_s: float) -> None:
        """Take an answer of `rtt_s` seconds into account (losses are not answers)."""
        config = self._config
        if now_s >= self._window_ends_s:
            self._previous_s = self._current_s
            self._current_s = math.inf
            self._window_ends_s = now_s + config.window_s
        if rtt_s < self._current_s:
            self._current_s = rtt_s
        if rtt_s <= self.value_s:
            self.value_s = rtt_s
            self._raised_s = now_s
        elif now_s - self._raised_s >= 1.0:
            # Once a second is often enough for a drift, and keeps the door cheap.
            grown_s = self.value_s * (1.0 + config.drift_per_minute * (now_s - self._raised_s) / 60)
            seen_s = min(self._current_s, self._previous_s)
            self.value_s = max(self.value_s, min(grown_s, seen_s))
            self._raised_s = now_s
        if self.probing:
            if now_s >= self._probe_ends_s:
                self.probing = False
                self._near_s = now_s
        elif rtt_s <= 1.1 * self.value_s:
            self._near_s = now_s
        elif now_s - self._near_s >= config.probe_every_s > 0.0:
            self.probing = True
            self._probe_ends_s = now_s + config.probe_rtts * rtt_s

    def relearn(self, now_s: float, normal_s: float) -> None:
        """Rise to `normal_s` at once, on evidence that load is not what makes answers slow."""
        self.value_s = max(self.value_s, normal_s)
        self._raised_s = now_s
