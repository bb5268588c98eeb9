"""A Prometheus server as a metric source, through prometheus-api-client."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from teastorm.observe.series import Questions, Series
from teastorm.observe.source import LOOKBACK_S, SourceError

TIMEOUT_S = 10
SAME_NAMES = MappingProxyType({"service": "service", "replica": "replica"})


class PrometheusSamples:
    """Raw samples by instant queries with a range selector: nothing is extrapolated.

    `t0_unix_s` is the run's start (seconds since 1970). `label_names` maps our words to the
    server's labels (`{"replica": "pod"}`). `reach_s` is how far before a window its base sample
    is looked for: more than two scrape intervals. Safe to share as `requests.Session` is: not
    between threads.
    """

    def __init__(
        self,
        url: str,
        *,
        t0_unix_s: float,
        reach_s: float = LOOKBACK_S,
        label_names: Mapping[str, str] = SAME_NAMES,
    ) -> None:
        if reach_s <= 0:
            raise ValueError(f"reach_s must be above 0, got {reach_s}")
        self._url = url
        self._client = PrometheusConnect(
            url, retry=Retry(total=2, backoff_factor=0.2), timeout=TIMEOUT_S
        )
        self._t0_unix_s = t0_unix_s
        self._reach_s = reach_s
        self._to_theirs = {**SAME_NAMES, **label_names}
        self._to_ours = {theirs: ours for ours, theirs in self._to_theirs.items()}

    def read(
        self, name: str, labels: Mapping[str, str], start_s: float, end_s: float
    ) -> Sequence[Series]:
        """See `SampleReader`; `SourceError` when the server does not answer as it should."""
        matchers = ",".join(
            f'{self._to_theirs.get(key, key)}="{_quoted(value)}"' for key, value in labels.items()
        )
        span_ms = round((end_s - start_s + self._reach_s) * 1000)
        query = f"{name}{{{matchers}}}[{span_ms}ms]"
        try:
            answer = self._client.custom_query(query, params={"time": self._t0_unix_s + end_s})
            return [self._series(row) for row in answer]
        except (requests.RequestException, PrometheusApiClientException) as error:
            raise SourceError(f"{self._url}: {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(f"{self._url}: not an answer of Prometheus: {error}") from error

    def _series(self, row: Mapping[str, Mapping[str, str]]) -> Series:
        samples = np.array(row["values"], dtype=np.float64).reshape(-1, 2)
        return Series(
            labels={
                self._to_ours.get(key, key): value
                for key, value in row["metric"].items()
                if key != "__name__"
            },
            times_s=samples[:, 0] - self._t0_unix_s,
            values=samples[:, 1],
        )


def connect(
    url: str,
    *,
    t0_unix_s: float,
    lookback_s: float = LOOKBACK_S,
    label_names: Mapping[str, str] = SAME_NAMES,
) -> Questions:
    """A `MetricSource` over a Prometheus server; `lookback_s` above two scrape intervals."""
    samples = PrometheusSamples(
        url, t0_unix_s=t0_unix_s, reach_s=lookback_s, label_names=label_names
    )
    return Questions(samples, lookback_s=lookback_s)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
