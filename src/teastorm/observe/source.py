"""The one way to ask for a metric, whoever recorded it: the flight recorder or Prometheus."""

from collections.abc import Mapping
from typing import Protocol


class NoData(Exception):
    """No sample in the window; a check that meets this is *unknown*, never passed."""


class MetricSource(Protocol):
    """Questions about recorded metrics; times are seconds since the run's start.

    `labels` match exactly (a subset of a series' labels); `service` and `replica` are labels like
    any other. Series that match are summed (a gauge: at each moment). All raise `NoData` when the
    window holds no sample of a matching series.
    """

    def counter_increase(
        self, name: str, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> float:
        """How much a counter grew between two moments, resets (a replaced replica) allowed for.

        No extrapolation to the window's edges: the difference between the last samples at or
        before each edge (a series that began inside the window began at zero).
        """
        ...

    def gauge(self, name: str, labels: Mapping[str, str], at_s: float) -> float:
        """The sum of matching gauges at a moment: their latest samples within 5 s before it."""
        ...

    def gauge_over(
        self, name: str, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> list[tuple[float, float]]:
        """`(t_s, sum)` once a second from `start_s` to `end_s`; seconds without data are absent."""
        ...

    def histogram_quantile(
        self, name: str, q: float, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> float:
        """The q-quantile (0..1) of what a histogram counted in the window.

        Linear within a bucket, as Prometheus' `histogram_quantile`; `name` without `_bucket`.
        """
        ...
