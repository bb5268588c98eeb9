"""What the cluster's own autoscaler did: its status as it changed.

Only the HorizontalPodAutoscaler's status and the pods' own conditions are read; nothing here
computes what it should have done (that is `teastorm.autoscale`).
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict

from teastorm.autoscale.quantity import exact
from teastorm.platforms.kubernetes.api import Json
from teastorm.platforms.kubernetes.lag import Sample


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
