"""One look at a cluster's HPA, from what the API server answers."""

from __future__ import annotations

import re

import yaml
from msgspec.structs import replace

from teastorm.autoscale import quantity
from teastorm.autoscale.metrics import PodValue
from teastorm.autoscale.pods import Container, Phase, Pod, Ready, Status
from teastorm.platforms.kubernetes.api import Json
from teastorm.platforms.kubernetes.pods import unix_s
from teastorm.tune.hpa_record import Look

_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")


def parse_look(
    *, hpa: Json, scale: Json, pods: Json, samples: Json, container: str, at_s: float
) -> Look:
    """A look from the API server's four answers; times in Unix seconds."""
    status = hpa.get("status") or {}
    percent, average = _reported(status)
    return Look(
        at_s=at_s,
        wanted=int((scale.get("spec") or {}).get("replicas", 0)),
        desired=int(status.get("desiredReplicas", 0)),
        current=int(status.get("currentReplicas", 0)),
        percent=percent,
        average_milli=average,
        floor=int((hpa.get("spec") or {}).get("minReplicas", 1)),
        pods=tuple(_pod(item, container) for item in pods.get("items") or []),
        samples=dict(
            found
            for item in samples.get("items") or []
            if (found := _sample(item, container)) is not None
        ),
    )


def manifest_of(hpa: Json) -> str:
    """An HPA object without its status and its book-keeping."""
    meta = hpa.get("metadata") or {}
    return yaml.safe_dump(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": meta.get("name", ""), "namespace": meta.get("namespace", "")},
            "spec": hpa.get("spec") or {},
        },
        sort_keys=False,
    )


def _reported(status: Json) -> tuple[int | None, int | None]:
    """Utilisation in percent and the average in thousandths, of the first metric."""
    for metric in status.get("currentMetrics") or []:
        for part in metric.values():
            if isinstance(part, dict) and isinstance(current := part.get("current"), dict):
                percent, average = current.get("averageUtilization"), current.get("averageValue")
                return (
                    None if percent is None else int(percent),
                    None if average is None else quantity.milli(str(average)),
                )
    return None, None


def _pod(item: Json, container: str) -> Pod:
    meta, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    condition = next((c for c in status.get("conditions") or [] if c["type"] == "Ready"), None)
    asked: Json = next((c for c in spec.get("containers") or [] if c["name"] == container), {})
    cpu = ((asked.get("resources") or {}).get("requests") or {}).get("cpu")
    ready = None
    if condition is not None:
        changed_s = unix_s(condition.get("lastTransitionTime")) or 0.0
        ready = Ready(Status(condition["status"]), changed_s)
    return Pod(
        name=meta["name"],
        phase=Phase(status.get("phase", "Pending")),
        deleting="deletionTimestamp" in meta,
        start_s=unix_s(status.get("startTime")),
        ready=ready,
        containers=(Container(container, None if cpu is None else quantity.milli(str(cpu))),),
    )


def _sample(item: Json, container: str) -> tuple[str, PodValue] | None:
    """A pod's sample of one container; None when it has none."""
    usage = next((c.get("usage") or {} for c in item["containers"] if c["name"] == container), {})
    if "cpu" not in usage:
        return None
    ended_s = unix_s(item["timestamp"]) or 0.0
    value = PodValue(quantity.milli(str(usage["cpu"])), ended_s, duration_s(str(item["window"])))
    return item["metadata"]["name"], value


def duration_s(text: str) -> float:
    """A Go duration (`1m2.5s`) in seconds; ValueError when it is none."""
    if _DURATION.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no duration")
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))


def moved(look: Look, zero_s: float) -> Look:
    """The look with its times counted from a moment."""
    return Look(
        at_s=look.at_s - zero_s,
        wanted=look.wanted,
        desired=look.desired,
        current=look.current,
        percent=look.percent,
        average_milli=look.average_milli,
        floor=look.floor,
        pods=tuple(
            replace(
                pod,
                start_s=None if pod.start_s is None else pod.start_s - zero_s,
                ready=None
                if pod.ready is None
                else replace(pod.ready, last_transition_s=pod.ready.last_transition_s - zero_s),
            )
            for pod in look.pods
        ),
        samples={
            name: value._replace(timestamp_s=value.timestamp_s - zero_s)
            for name, value in look.samples.items()
        },
    )
