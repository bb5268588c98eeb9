"""Who scrapes the pods: the release's own Prometheus, or an operator's by a ServiceMonitor."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.charts.conftest import SERVICES, Rendered

WORDS = {
    "service": "__meta_kubernetes_pod_label_app_kubernetes_io_component",
    "replica": "__meta_kubernetes_pod_name",
}
"""What the testbed's own recorder calls a series' origin, and where it is read from."""


def chosen(rendered: Rendered, selector: dict[str, Any]) -> set[str]:
    """Names of the Services that a label selector takes."""

    def takes(labels: dict[str, str]) -> bool:
        if not selector["matchLabels"].items() <= labels.items():
            return False
        for wish in selector["matchExpressions"]:
            value = labels.get(wish["key"])
            if value is None or (wish["operator"] == "In" and value not in wish["values"]):
                return False
        return True

    services = rendered.of("Service").items()
    return {name for name, service in services if takes(service["metadata"]["labels"])}


def test_there_is_none_unless_it_is_asked_for(render):
    assert render().of("ServiceMonitor") == {}
    assert "tea-prometheus" not in render().of("Deployment")


def test_a_service_monitor_takes_each_pod_once_and_names_it_as_the_recorder_does(render):
    rendered = render(
        serviceMonitor={"enabled": True, "labels": {"release": "kps"}, "interval": "3s"},
        prometheus={"enabled": True},
    )
    monitor = rendered.one("ServiceMonitor", "tea")
    assert monitor["metadata"]["labels"]["release"] == "kps"
    assert chosen(rendered, monitor["spec"]["selector"]) == {f"tea-{s}" for s in SERVICES}
    (endpoint,) = monitor["spec"]["endpoints"]
    assert (endpoint["path"], endpoint["interval"]) == ("/metrics", "3s")
    for service in SERVICES:
        ports = rendered.one("Service", f"tea-{service}")["spec"]["ports"]
        assert endpoint["port"] in {port["name"] for port in ports}
    rules = {rule["targetLabel"]: rule["sourceLabels"] for rule in endpoint["relabelings"]}
    assert rules == {label: [source] for label, source in WORDS.items()}


@pytest.mark.parametrize("interval", ["5s", "1m"])
def test_its_own_prometheus_looks_for_the_releases_pods_in_its_namespace_only(render, interval):
    rendered = render(prometheus={"enabled": True, "scrapeInterval": interval})
    config = yaml.safe_load(rendered.one("ConfigMap", "tea-prometheus")["data"]["prometheus.yml"])
    assert config["global"]["scrape_interval"] == interval
    (job,) = config["scrape_configs"]
    (found,) = job["kubernetes_sd_configs"]
    assert found["namespaces"] == {"names": ["shop"]}
    wanted = found["selectors"][0]["label"].split(",")
    for name, meta, _ in rendered.pods():
        labels = {f"{key}={value}" for key, value in meta["labels"].items()}
        assert set(wanted) <= labels, name
    rules = {rule.get("target_label"): rule.get("source_labels") for rule in job["relabel_configs"]}
    assert {label: rules[label] for label in WORDS} == {
        label: [source] for label, source in WORDS.items()
    }
    rules_of_role = rendered.one("Role", "tea-prometheus")["rules"]
    assert rules_of_role == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    ]
