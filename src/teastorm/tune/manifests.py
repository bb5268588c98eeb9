"""The chosen setting as files: an autoscaling/v2 manifest and Helm values of charts/teashop."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from teastorm.autoscale.behaviour import Behaviour, Rules
from teastorm.autoscale.planned import ANNOTATION, write_planned
from teastorm.tune import words
from teastorm.tune.service import Service
from teastorm.tune.setting import Metric, Setting


def hpa(setting: Setting, service: Service) -> str:
    """The manifest as YAML; what an HPA cannot plan is an annotation, and for people a comment."""
    spec = setting.spec
    name = service.names.deployment
    content = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name} | _annotations(setting, service),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": spec.min_replicas,
            "maxReplicas": spec.max_replicas,
            "metrics": [_metric(setting, service)],
            "behavior": _behaviour(spec.behaviour),
        },
    }
    return _head(setting, service) + yaml.safe_dump(content, sort_keys=False)


def values(setting: Setting, service: Service) -> str:
    """Values for `helm upgrade --values`: `inference.autoscaling` of charts/teashop."""
    target = setting.target(service).target
    autoscaling: dict[str, object] = {
        "enabled": True,
        **_annotations(setting, service),
        "minReplicas": setting.min_replicas,
        "maxReplicas": setting.max_replicas,
        "metric": {
            Metric.CPU: "cpu", Metric.IN_FLIGHT: "inFlight", Metric.OFFERED: "offered"
        }[setting.metric],
    }  # fmt: skip
    if setting.metric is Metric.CPU:
        autoscaling["targetCPUUtilization"] = target
    elif setting.metric is Metric.IN_FLIGHT:
        autoscaling["inFlightMetric"] = service.names.in_flight
        autoscaling["targetInFlight"] = _whole(target)
    else:
        autoscaling["offeredMetric"] = service.names.offered_rps
        autoscaling["targetOfferedRps"] = _whole(target)
    autoscaling["behavior"] = _behaviour(setting.spec.behaviour)
    content = {"inference": {"autoscaling": autoscaling}}
    return _head(setting, service) + yaml.safe_dump(content, sort_keys=False)


def _head(setting: Setting, service: Service) -> str:
    lines = ["# Written by `teastorm tune`."]
    if planned := words.ahead(setting, service):
        floors = setting.planned(service, service.scenario.demand)
        lines += [
            f"# An HPA cannot plan: {planned}.",
            *_raise_floor(service, floors[0].at_s, floors[0].min_replicas),
            *_raise_floor(service, floors[-1].at_s, setting.min_replicas),
        ]
    return "\n".join(lines) + "\n"


def _annotations(setting: Setting, service: Service) -> dict[str, object]:
    """What is planned, as `teastorm simulate --hpa` reads it; nothing where nothing is."""
    planned = setting.planned(service, service.scenario.demand)
    return {"annotations": {ANNOTATION: write_planned(planned)}} if planned else {}


def _raise_floor(service: Service, at_s: float, replicas: int) -> list[str]:
    """What to do by hand, or to have a CronJob do."""
    # The chart's objects bear the release's name too.
    name = f"{'RELEASE-' if service.names.charted else ''}{service.names.deployment}"
    patch = f'{{"spec":{{"minReplicas":{replicas}}}}}'
    return [
        f"# At {words.clock(at_s)}:",
        f"#   kubectl patch hpa {name} --type merge -p '{patch}'",
    ]


def _metric(setting: Setting, service: Service) -> Mapping[str, object]:
    target = setting.target(service).target
    if setting.metric is Metric.CPU:
        wanted = {"type": "Utilization", "averageUtilization": target}
        return {"type": "Resource", "resource": {"name": "cpu", "target": wanted}}
    average = {"type": "AverageValue", "averageValue": f"{target}m"}
    names = service.names
    if setting.metric is Metric.IN_FLIGHT:
        return {"type": "Pods", "pods": {"metric": {"name": names.in_flight}, "target": average}}
    return {
        "type": "External",
        "external": {"metric": {"name": names.offered_rps}, "target": average},
    }


def _behaviour(behaviour: Behaviour | None) -> Mapping[str, object]:
    if behaviour is None:
        return {}
    return {"scaleUp": _rules(behaviour.up), "scaleDown": _rules(behaviour.down)}


def _rules(rules: Rules) -> Mapping[str, object]:
    return {
        "stabilizationWindowSeconds": round(rules.stabilization_window_s),
        "selectPolicy": rules.select.value,
        "policies": [
            {"type": p.type.value, "value": p.value, "periodSeconds": round(p.period_s)}
            for p in rules.policies
        ],
    }


def _whole(milli: int) -> int | float:
    return milli // 1000 if milli % 1000 == 0 else milli / 1000
