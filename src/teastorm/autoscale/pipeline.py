"""The way of a metric to the autoscaler, and what it costs in time.

As metrics-server and an adapter for Prometheus have it: everything is scraped every `scrape_s`; a
rate (cpu, arrivals) is the mean between the last two scrapes; what was scraped can be had
`delay_s` later. A pod needs two scrapes before it has a rate, unless the snapshot tells when its
counts began at nothing (metrics-server takes the start of a fresh container for a first sample).
Not safe for concurrent use.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from teastorm.autoscale.evaluate import Readings
from teastorm.autoscale.metrics import PodValue

KEPT = 64


class Count(NamedTuple):
    """A counter's value and when it was read."""

    at_s: float
    value: float


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One scrape: counters and gauges by metric, then by pod; and those of the whole shop.

    `pod_begun` has the moment at which all counts of a pod were 0, for pods that it is known of.
    """

    at_s: float
    pod_counts: Mapping[str, Mapping[str, Count]] = field(default_factory=dict)
    pod_gauges: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    shop_counts: Mapping[str, Count] = field(default_factory=dict)
    shop_gauges: Mapping[str, float] = field(default_factory=dict)
    pod_begun: Mapping[str, float] = field(default_factory=dict)


class Seen(NamedTuple):
    """What the autoscaler can see: readings, the middle of their window, and since when."""

    readings: Readings
    middle_s: float
    available_s: float


class Pipeline:
    """Scrapes in, readings out, each `delay_s` after its scrape."""

    def __init__(self, *, delay_s: float) -> None:
        if delay_s < 0:
            raise ValueError(f"delay_s must be 0 or more, got {delay_s}")
        self._delay_s = delay_s
        self._last: Snapshot | None = None
        self._under_way: deque[Seen] = deque(maxlen=KEPT)
        self._seen: Seen | None = None

    def scrape(self, snapshot: Snapshot) -> None:
        """Take a scrape in."""
        before, self._last = self._last, snapshot
        window_s = 0.0 if before is None else snapshot.at_s - before.at_s
        self._under_way.append(
            Seen(
                _readings(before, snapshot, window_s),
                snapshot.at_s - window_s / 2,
                snapshot.at_s + self._delay_s,
            )
        )

    def visible(self, now_s: float) -> Seen | None:
        """The newest readings that can be had by now."""
        while self._under_way and self._under_way[0].available_s <= now_s:
            self._seen = self._under_way.popleft()
        return self._seen


def _readings(before: Snapshot | None, now: Snapshot, window_s: float) -> Readings:
    pods: dict[str, dict[str, PodValue]] = {}
    for name, counts in now.pod_counts.items():
        earlier = {} if before is None else before.pod_counts.get(name, {})
        pods[name] = {
            pod: PodValue(
                milli, count.at_s, window_s if pod in earlier else count.at_s - first.at_s
            )
            for pod, count in counts.items()
            if (first := earlier.get(pod) or _begun(now, pod)) is not None
            and (milli := _rate_milli(first, count)) is not None
        }
    for name, gauges in now.pod_gauges.items():
        pods[name] = {
            pod: PodValue(round(1000 * value), now.at_s, window_s) for pod, value in gauges.items()
        }
    shop = {name: round(1000 * value) for name, value in now.shop_gauges.items()}
    for name, count in now.shop_counts.items():
        rate = _rate_milli(None if before is None else before.shop_counts.get(name), count)
        if rate is not None:
            shop[name] = rate
    return Readings(pods, shop)


def _begun(now: Snapshot, pod: str) -> Count | None:
    began_s = now.pod_begun.get(pod)
    return None if began_s is None else Count(began_s, 0.0)


def _rate_milli(before: Count | None, now: Count) -> int | None:
    """Thousandths a second; a counter that fell was begun anew and has no rate yet."""
    if before is None or now.at_s <= before.at_s or now.value < before.value:
        return None
    return round(1000 * (now.value - before.value) / (now.at_s - before.at_s))
