"""The one way to ask for a metric, whoever recorded it: the flight recorder or Prometheus."""

from collections.abc import Mapping
from typing import Protocol

LOOKBACK_S = 3.0
"""How old a gauge's latest sample may be: with one scrape a second, two may be missed."""


class NoDataError(Exception):
    """No sample in the window; a check that meets this is *unknown*, never passed."""


class SourceError(Exception):
    """The recording or the Prometheus server cannot be read; one sentence."""


class MetricSource(Protocol):
    """Questions about recorded metrics; times are seconds since the run's start.

    `labels` match exactly (a subset of a series' labels); `service` and `replica` are labels like
    any other. Series that match are summed (a gauge: at each moment). All raise `NoDataError` when
    the window holds no sample of a matching series, `SourceError` when nothing can be read.
    """

    def counter_increase(
        self, name: str, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> float:
        """How much a counter grew between two moments, resets (a restarted process) allowed for.

        Unlike PromQL's `increase` there is no extrapolation to the window's edges, which would
        invent requests: it is the difference between the last samples at or before each edge. A
        series that appeared inside the window began at zero.
        """
        ...

    def gauge(self, name: str, labels: Mapping[str, str], at_s: float) -> float:
        """The sum of matching gauges at a moment: of each the latest sample, 3 s old at most."""
        ...

    def gauge_over(
        self, name: str, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> list[tuple[float, float]]:
        """`(t_s, sum)` once a second from `start_s` to `end_s`; moments without data are absent."""
        ...

    def histogram_quantile(
        self, name: str, q: float, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> float:
        """The q-quantile (0..1) of what a histogram counted in the window.

        Linear within a bucket, as PromQL's `histogram_quantile`; `name` is without `_bucket`.
        """
        ...
