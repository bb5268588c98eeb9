"""deploy/kind beside the chart's values and the testbed's defaults: ports, labels and Pod Security agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from teastorm.platforms.kubernetes.installation import NODE_PORT
from teastorm.platforms.kubernetes.namespace import LABELS
from teastorm.platforms.kubernetes.settings import DEFAULT_GATEWAY_URL, DEFAULT_NAMESPACE

KIND = Path(__file__).resolve().parents[2] / "deploy" / "kind"


def loaded(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((KIND / name).read_text(encoding="utf-8")))


def test_loopback_ports_lead_to_the_node_ports_of_the_values(render):
    (cluster,) = loaded("cluster.yaml")
    mapped = {
        m["containerPort"]: f"{m['listenAddress']}:{m['hostPort']}"
        for node in cluster["nodes"]
        for m in node.get("extraPortMappings", [])
    }
    rendered = render("values-ci.yaml")
    ports = {
        name: rendered.one("Service", f"tea-{name}")["spec"]["ports"][0]["nodePort"]
        for name in ("front", "prometheus")
    }
    assert set(mapped) == set(ports.values())
    assert ports["front"] == NODE_PORT
    assert mapped[ports["front"]] == DEFAULT_GATEWAY_URL
    assert all(address.startswith("127.0.0.1:") for address in mapped.values())


def test_there_are_a_control_plane_and_two_workers():
    (cluster,) = loaded("cluster.yaml")
    assert [node["role"] for node in cluster["nodes"]] == ["control-plane", "worker", "worker"]


def test_the_namespace_is_the_testbeds_own_and_restricted():
    (namespace,) = loaded("namespace.yaml")
    assert namespace["metadata"]["name"] == DEFAULT_NAMESPACE
    assert LABELS.items() <= namespace["metadata"]["labels"].items()
    assert LABELS["pod-security.kubernetes.io/enforce"] == "restricted"


def test_metrics_server_is_a_restricted_pod_that_serves_the_metrics_api():
    found = {manifest["kind"]: manifest for manifest in loaded("metrics-server.yaml")}
    service = found["APIService"]["spec"]["service"]
    assert (service["name"], service["namespace"]) == ("metrics-server", "kube-system")
    assert found["APIService"]["metadata"]["name"] == "v1beta1.metrics.k8s.io"
    (container,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert "--kubelet-insecure-tls" in container["args"]
    assert container["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
