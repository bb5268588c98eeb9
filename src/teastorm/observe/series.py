"""The arithmetic of metric questions over raw samples; both sources answer through it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from teastorm.observe.source import LOOKBACK_S, NoDataError


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series' samples in time order.

    `existed_before`: its first sample is not its beginning (the recording started later than the
    process), so that its first value is no increase.
    """

    labels: Mapping[str, str]
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    existed_before: bool = False

    def __post_init__(self) -> None:
        if self.times_s.shape != self.values.shape or self.times_s.ndim != 1:
            raise ValueError("times_s and values must be columns of one length")


class SampleReader(Protocol):
    """Gives the raw samples that a question needs."""

    def read(
        self, name: str, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> Sequence[Series]:
        """Matching series with at least their samples in the window and the last one before."""
        ...


class Questions:
    """`MetricSource` over a `SampleReader`. As safe to share as its reader."""

    def __init__(self, reader: SampleReader, *, lookback_s: float = LOOKBACK_S) -> None:
        if lookback_s <= 0:
            raise ValueError(f"lookback_s must be above 0, got {lookback_s}")
        self._reader = reader
        self._lookback_s = lookback_s

    def counter_increase(
        self, name: str, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> float:
        """See `MetricSource`."""
        _check_window(start_s, end_s)
        found = self._reader.read(name, labels, start_s, end_s)
        return math.fsum(_increases(name, found, start_s, end_s).values())

    def gauge(self, name: str, labels: Mapping[str, str], at_s: float) -> float:
        """See `MetricSource`."""
        found = self._reader.read(name, labels, at_s - self._lookback_s, at_s)
        total = _sum_at(found, at_s, self._lookback_s)
        if total is None:
            raise NoDataError(f"{name}: no sample within {self._lookback_s:g} s before {at_s:g} s")
        return total

    def gauge_over(
        self, name: str, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> list[tuple[float, float]]:
        """See `MetricSource`."""
        _check_window(start_s, end_s)
        found = self._reader.read(name, labels, start_s - self._lookback_s, end_s)
        moments = [start_s + second for second in range(int(end_s - start_s) + 1)]
        sums = [(at_s, _sum_at(found, at_s, self._lookback_s)) for at_s in moments]
        points = [(at_s, total) for at_s, total in sums if total is not None]
        if not points:
            raise NoDataError(f"{name}: no sample between {start_s:g} s and {end_s:g} s")
        return points

    def histogram_quantile(
        self, name: str, q: float, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> float:
        """See `MetricSource`."""
        _check_window(start_s, end_s)
        if not 0 <= q <= 1:
            raise ValueError(f"q must be between 0 and 1, got {q}")
        found = self._reader.read(f"{name}_bucket", labels, start_s, end_s)
        return quantile(name, q, _increases(name, found, start_s, end_s, by="le"))


def increase(series: Series, start_s: float, end_s: float) -> float | None:
    """Growth of one counter between two moments; None when it has no sample by `end_s`.

    A value below its predecessor is a restart from zero (Prometheus' rule for counter resets).
    """
    last = int(np.searchsorted(series.times_s, end_s, side="right"))
    if last == 0:
        return None
    first = int(np.searchsorted(series.times_s, start_s, side="right")) - 1
    if first >= 0:
        window = series.values[first:last]
    elif series.existed_before:
        window = series.values[:last]
    else:
        window = np.concatenate(([0.0], series.values[:last]))
    steps = np.diff(window)
    return float(np.where(steps < 0, window[1:], steps).sum())


def quantile(name: str, q: float, counts: Mapping[str, float]) -> float:
    """The q-quantile of cumulative bucket counts by upper bound (`le`), linear within a bucket."""
    bounds = sorted((float(le), count) for le, count in counts.items() if le)
    total = bounds[-1][1] if bounds else 0.0
    if total <= 0:
        raise NoDataError(f"{name}: nothing was counted in the window")
    rank = q * total
    lower, below = 0.0, 0.0
    for bound, count in bounds:
        if count >= rank and count > below:
            if math.isinf(bound):
                break
            return lower + (bound - lower) * (rank - below) / (count - below)
        if not math.isinf(bound):
            lower, below = bound, count
    return lower


def _increases(
    name: str, found: Iterable[Series], start_s: float, end_s: float, *, by: str = ""
) -> dict[str, float]:
    """Growth summed by the value of one label."""
    totals: dict[str, float] = {}
    for series in found:
        grown = increase(series, start_s, end_s)
        if grown is not None:
            key = series.labels.get(by, "")
            totals[key] = totals.get(key, 0.0) + grown
    if not totals:
        raise NoDataError(f"{name}: no sample between {start_s:g} s and {end_s:g} s")
    return totals


def _sum_at(found: Iterable[Series], at_s: float, lookback_s: float) -> float | None:
    total = None
    for series in found:
        last = int(np.searchsorted(series.times_s, at_s, side="right")) - 1
        if last >= 0 and at_s - series.times_s[last] <= lookback_s:
            total = (0.0 if total is None else total) + float(series.values[last])
    return total


def _check_window(start_s: float, end_s: float) -> None:
    if not end_s > start_s:
        raise ValueError(f"end_s must be after start_s, got {start_s} to {end_s}")
