"""metrics.parquet: what every replica exported, once a second, as series that can be summed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from teastorm.verdict.columns import Columns, Floats

FILE = "metrics.parquet"
STALE_S = 3.0
_TEXTS = ("service", "replica", "name", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series of one replica, in order of time."""

    service: str
    replica: str
    name: str
    labels: Mapping[str, str]
    t_s: Floats
    value: Floats

    def counted_at(self, at_s: Floats) -> Floats:
        """A counter's total since its first sight, resets taken out, interpolated at `at_s`."""
        steps = np.diff(self.value)
        steps = np.where(steps < 0, self.value[1:], steps)
        total = np.concatenate(([self.value[0]], self.value[0] + np.cumsum(steps)))
        # A series that appears late was 0 before: Prometheus shows a label at its first count.
        return np.asarray(np.interp(at_s, self.t_s, total, left=0.0), dtype=np.float64)

    def gauge_at(self, at_s: Floats) -> Floats:
        """The last value seen, or NaN where that is older than `STALE_S`."""
        index = np.searchsorted(self.t_s, at_s + 1e-9, side="right") - 1
        seen = index >= 0
        safe = np.maximum(index, 0)
        fresh = seen & (at_s - self.t_s[safe] <= STALE_S)
        return np.where(fresh, self.value[safe], np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """All series by name."""

    by_name: Mapping[str, tuple[Series, ...]]

    def select(
        self, names: Iterable[str], *, service: str | None = None, **labels: str
    ) -> tuple[Series, ...]:
        """The series of the first of `names` that has any with these labels."""
        for name in names:
            found = tuple(
                series
                for series in self.by_name.get(name, ())
                if (service is None or series.service == service)
                and all(series.labels.get(key) == value for key, value in labels.items())
            )
            if found:
                return found
        return ()

    def increase(
        self, names: Iterable[str], start_s: float, end_s: float, **labels: str
    ) -> float | None:
        """How much a counter grew in a window, over all replicas; None when nothing was scraped."""
        found = self.select(names, **labels)
        if not found:
            return None
        at = np.array([start_s, end_s])
        if all(series.t_s[-1] < end_s - STALE_S for series in found):
            return None
        return float(sum(np.diff(series.counted_at(at))[0] for series in found))

    def total(
        self, names: Iterable[str], grid_s: Floats, *, service: str | None = None, **labels: str
    ) -> Floats | None:
        """A gauge summed over replicas on a grid of times; NaN where no replica was seen."""
        found = self.select(names, service=service, **labels)
        if not found or len(grid_s) == 0:
            return None
        rows = np.vstack([series.gauge_at(grid_s) for series in found])
        summed = np.nansum(rows, axis=0)
        return np.where(np.all(np.isnan(rows), axis=0), np.nan, summed)

    def seen(
        self,
        names: Iterable[str],
        grid_s: Floats,
        *,
        service: str | None = None,
        at_least: float = -np.inf,
    ) -> Floats:
        """How many replicas' gauges were fresh, and `at_least` so large, on a grid of times."""
        fresh: dict[tuple[str, str], Floats] = {}
        for series in self.select(names, service=service):
            now = (series.gauge_at(grid_s) >= at_least).astype(np.float64)
            who = (series.service, series.replica)
            fresh[who] = np.maximum(now, fresh.get(who, 0.0))
        return np.asarray(sum(fresh.values(), np.zeros(len(grid_s))), dtype=np.float64)


def read_metrics(run_dir: Path) -> Metrics:
    """The series of the run's metrics; `RunFolderError` when it has none such. No rows is no error."""
    columns = Columns(run_dir, FILE, (*_TEXTS, "t_s", "value"))
    keys = [columns.texts(name) for name in _TEXTS]
    t_s, value = columns.floats("t_s"), columns.floats("value")
    rows: dict[tuple[str, str, str, str], list[int]] = {}
    for index, key in enumerate(zip(*keys, strict=True)):
        rows.setdefault(key, []).append(index)
    by_name: dict[str, list[Series]] = {}
    for (service, replica, name, labels), picked in rows.items():
        chosen = np.array(picked)
        chosen = chosen[np.isfinite(t_s[chosen]) & np.isfinite(value[chosen])]
        if len(chosen) == 0:
            continue
        chosen = chosen[np.argsort(t_s[chosen], kind="stable")]
        by_name.setdefault(name, []).append(
            Series(
                service=service,
                replica=replica,
                name=name,
                labels=_labels(labels),
                t_s=t_s[chosen],
                value=value[chosen],
            )
        )
    return Metrics(
        by_name=MappingProxyType({name: tuple(found) for name, found in by_name.items()})
    )


def _labels(text: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in text.split(",") if part)
    return MappingProxyType({key: value.strip('"') for key, _, value in pairs})
