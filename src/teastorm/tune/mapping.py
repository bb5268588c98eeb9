"""Somebody else's service as its file describes it; `mapped` makes a model of it.

A file (YAML):

    rate: sum(rate(http_requests_total{app="till"}[1m]))       # requests a second
    latency_s: histogram_quantile(0.5, …)                      # median answer, optional
    replicas: sum(kube_deployment_status_replicas_ready{…})    # optional
    service: {replica_rps: 40, deadline_s: 1, startup_s: 45, cpu_request_milli: 500, …}
    deployment: till                                           # what the HPA scales
    hpa_metrics: {in_flight: till_in_flight, offered_rps: till_offered}   # of an adapter, optional
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from teastorm import strict_yaml
from teastorm.runner.problems import did_you_mean
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.service import Names
from teastorm.whole_file import why

_QUERIES = ("rate", "latency_s", "replicas")
_KEYS = (*_QUERIES, "service", "deployment", "hpa_metrics")
HPA_METRICS = ("in_flight", "offered_rps")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
NUMBERS = {
    "replica_rps": None, "service_time_s": None, "deadline_s": 1.0, "startup_s": 30.0,
    "cpu_idle_milli": 20.0, "cpu_busy_milli": 980.0, "cpu_request_milli": 1000.0,
}  # fmt: skip
UNNAMED = "your-deployment"
MOST = 1e9
"""Of anything that a mapping says in numbers: what is more is a slip, and infinite has no places."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapped:
    """A mapping file, read: queries by name, the numbers given, the names for a manifest."""

    source: str
    queries: Mapping[str, str]
    numbers: Mapping[str, float]
    names: Names


def read_mapping(path: Path) -> Mapped:
    """TuneInvalid in one sentence if it is no mapping."""
    try:
        content = strict_yaml.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TuneInvalid(f"{path}: cannot be read ({why(error)})") from error
    except yaml.YAMLError as error:
        raise TuneInvalid(f"{path}: is not YAML ({' '.join(str(error).split())[:120]})") from error
    if not isinstance(content, dict):
        raise TuneInvalid(f"{path}: must be a mapping with rate and service")
    for key in content:
        if key not in _KEYS:
            raise TuneInvalid(f"{path}: {key} is not known{did_you_mean(str(key), _KEYS)}")
    queries = {key: content[key] for key in _QUERIES if content.get(key) is not None}
    for key, query in queries.items():
        if not isinstance(query, str) or not query.strip():
            raise TuneInvalid(f"{path}: {key} must be a query, got {query!r}")
    return Mapped(
        source=str(path),
        queries=queries,
        numbers=_numbers(path, content.get("service")),
        names=_names(path, content.get("deployment"), content.get("hpa_metrics")),
    )


def _names(path: Path, deployment: object, metrics: object) -> Names:
    if deployment is None:
        deployment = UNNAMED
    if not isinstance(deployment, str) or not _DNS_LABEL.fullmatch(deployment):
        raise TuneInvalid(f"{path}: deployment must be a Deployment's name, got {deployment!r}")
    if metrics is None:
        metrics = {}
    if not isinstance(metrics, dict):
        raise TuneInvalid(f"{path}: hpa_metrics must be a mapping of names")
    for key, name in metrics.items():
        if key not in HPA_METRICS:
            near = did_you_mean(str(key), HPA_METRICS)
            raise TuneInvalid(f"{path}: hpa_metrics.{key} is not known{near}")
        if not isinstance(name, str) or not name.strip():
            raise TuneInvalid(f"{path}: hpa_metrics.{key} must be a metric's name, got {name!r}")
    return Names(
        deployment=deployment,
        in_flight=metrics.get("in_flight"),
        offered_rps=metrics.get("offered_rps"),
        charted=False,
    )


def _numbers(path: Path, given: object) -> Mapping[str, float]:
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise TuneInvalid(f"{path}: service must be a mapping of numbers")
    found: dict[str, float] = {}
    for key, value in given.items():
        if key not in NUMBERS:
            raise TuneInvalid(f"{path}: service.{key} is not known{did_you_mean(key, NUMBERS)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < MOST:
            raise TuneInvalid(
                f"{path}: service.{key} must be a number above 0, got {str(value)[:40]}"
            )
        found[key] = float(value)
    return found
