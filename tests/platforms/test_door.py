"""Which address load is sent to: a node's own instead of a mapped port of loopback."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.platforms.fake_cluster import FakeCluster

from teastorm.platforms.kubernetes import door
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.settings import ClusterSettings

FRONT = "/api/v1/namespaces/teashop/services/teashop-front"
MAPPED = "127.0.0.1:1"


@pytest.fixture
def open_port(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> int:
    """The NodePort of the front Service, which answers well at 127.0.0.1."""
    monkeypatch.setattr(cluster, "door_is_open", lambda: True)
    port = int(cluster.address.rpartition(":")[2])
    cluster.put(FRONT, {"kind": "Service", "spec": {"ports": [{"port": 80, "nodePort": port}]}})
    return port


@pytest.mark.parametrize(
    ("named", "nodes", "direct"),
    [
        (MAPPED, ["127.0.0.1"], True),
        ("localhost:1", ["127.0.0.1"], True),
        (MAPPED, ["127.0.0.9", "127.0.0.1"], True),
        (MAPPED, ["127.0.0.9"], False),
        (MAPPED, [], False),
        ("shop.example:80", ["127.0.0.1"], False),
        ("192.0.2.7:80", ["127.0.0.1"], False),
    ],
)
def test_a_node_is_asked_itself_where_its_address_answers(
    cluster_settings: ClusterSettings, open_port: int, named: str, nodes: list[str], direct: bool
) -> None:
    settings = replace(cluster_settings, gateway_url=named)
    found = door.shortest(connect(settings), settings, nodes)
    assert found == (f"127.0.0.1:{open_port}" if direct else named)


def test_without_a_nodeport_or_a_service_the_named_address_stays(
    cluster: FakeCluster, cluster_settings: ClusterSettings, open_port: int
) -> None:
    settings = replace(cluster_settings, gateway_url=MAPPED)
    api = connect(settings)
    cluster.put(FRONT, {"kind": "Service", "spec": {"ports": [{"port": open_port}]}})
    assert door.shortest(api, settings, ["127.0.0.1"]) == MAPPED
    del cluster.objects[FRONT]
    assert door.shortest(api, settings, ["127.0.0.1"]) == MAPPED
