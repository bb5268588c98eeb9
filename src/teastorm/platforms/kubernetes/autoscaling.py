"""What the cluster's own autoscaler did: its status as it changed, and where the lag came from.

Only the HorizontalPodAutoscaler's status and the pods' own conditions are read; nothing here
computes what it should have done (that is `teastorm.autoscale`).
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from teastorm.autoscale.quantity import exact
from teastorm.platforms.kubernetes.api import Json
from teastorm.platforms.kubernetes.fleet import Moments


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The autoscaler's status at `at_s` (monotonic). `value` and `target` are of its first metric.

    Utilisations are percents; None where the status names none yet.
    """

    at_s: float
    service: str
    desired: int
    current: int
    value: float | None
    target: float | None


@dataclass(frozen=True, kw_only=True)
class Lag:
    """Where the time from a rise in demand to the first added, ready pod went, in seconds.

    metric: until the status showed the metric above its target. sync: until the autoscaler wanted
    more. schedule: until a node took the first new pod. start: until its container ran. warm_up:
    until it was ready. None: not seen.
    """

    service: str
    metric_s: float | None
    sync_s: float | None
    schedule_s: float | None
    start_s: float | None
    warm_up_s: float | None

    @property
    def total_s(self) -> float | None:
        """All of it; None when a part is missing."""
        parts = [self.metric_s, self.sync_s, self.schedule_s, self.start_s, self.warm_up_s]
        known = [part for part in parts if part is not None]
        return sum(known) if len(known) == len(parts) else None


class Autoscalers:
    """Follows the autoscalers of one release. Safe to call from any thread."""

    def __init__(self, release: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._prefix = f"{release}-"
        self._clock = clock
        self._lock = threading.Lock()
        self._samples: list[Sample] = []

    def replace_all(self, items: list[Json]) -> None:
        """A fresh list."""
        for item in items:
            self.apply("MODIFIED", item)

    def apply(self, kind: str, item: Json) -> None:
        """One event of the watch."""
        if kind == "DELETED":
            return
        sample = parse(item, self._prefix, self._clock())
        with self._lock:
            last = next((s for s in reversed(self._samples) if s.service == sample.service), None)
            if last is None or _said(last) != _said(sample):
                self._samples.append(sample)

    def samples(self) -> list[Sample]:
        """Every change so far, oldest first."""
        with self._lock:
            return list(self._samples)


def parse(item: Json, prefix: str, at_s: float) -> Sample:
    """A HorizontalPodAutoscaler (autoscaling/v2) as JSON."""
    spec, status = item["spec"], item.get("status") or {}
    metric: Json = next(iter(spec.get("metrics") or []), {})
    seen: Json = next(iter(status.get("currentMetrics") or []), {})
    return Sample(
        at_s=at_s,
        service=str(spec["scaleTargetRef"]["name"]).removeprefix(prefix),
        desired=int(status.get("desiredReplicas", 0)),
        current=int(status.get("currentReplicas", 0)),
        value=_number(seen, "current"),
        target=_number(metric, "target"),
    )


def lag(
    service: str, samples: Iterable[Sample], moments: Mapping[str, Moments], since_s: float
) -> Lag | None:
    """The lag of the first scale-up after `since_s`, when demand rose; None when there was none.

    `moments` are of every pod by UID; the first one seen after the decision is the one followed.
    """
    mine = [s for s in samples if s.service == service and s.at_s >= since_s]
    base = [s for s in samples if s.service == service and s.at_s < since_s]
    wanted_before = base[-1].desired if base else (mine[0].desired if mine else 0)
    decided = next((s for s in mine if s.desired > wanted_before), None)
    if decided is None:
        return None
    above = next(
        (s for s in mine if s.value is not None and s.target is not None and s.value > s.target),
        None,
    )
    # One status may bring the metric and the decision together.
    metric_at = min(above.at_s, decided.at_s) if above else decided.at_s
    # The pod and the status come by two watches: the pod may be told of first.
    slack_s = 1.0
    new = sorted(
        (
            m
            for m in moments.values()
            if m.service == service and m.seen_s >= decided.at_s - slack_s
        ),
        key=lambda m: m.seen_s,
    )
    first = new[0] if new else None
    return Lag(
        service=service,
        metric_s=metric_at - since_s,
        sync_s=decided.at_s - metric_at,
        schedule_s=_between(decided.at_s, first.scheduled_s if first else None),
        start_s=_between(first.scheduled_s, first.started_s) if first else None,
        warm_up_s=_between(first.started_s, first.ready_s) if first else None,
    )


def rows(samples: Iterable[Sample], *, to_unix_s: float) -> list[dict[str, object]]:
    """Samples for a run folder; `to_unix_s` is what turns monotonic into Unix seconds."""
    return [
        {
            **{k: v for k, v in asdict(sample).items() if k != "at_s"},
            "at_unix_s": round(sample.at_s + to_unix_s, 3),
        }
        for sample in samples
    ]


def _said(sample: Sample) -> tuple[object, ...]:
    return (sample.desired, sample.current, sample.value, sample.target)


def _between(start_s: float | None, end_s: float | None) -> float | None:
    return None if start_s is None or end_s is None else max(0.0, end_s - start_s)


def _number(metric: Json, key: str) -> float | None:
    """A metric's number, whatever its type: utilisation in percent, or an average value."""
    for part in metric.values():
        if isinstance(part, dict) and isinstance(part.get(key), dict):
            found = part[key]
            if (percent := found.get("averageUtilization")) is not None:
                return float(percent)
            if (text := found.get("averageValue")) is not None:
                return _quantity(str(text))
    return None


def _quantity(text: str) -> float | None:
    try:
        return float(exact(text))
    except ValueError:
        return None
