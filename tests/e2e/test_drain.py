"""A drain by the real eviction API: a budget keeps a service from losing both pods in one moment."""

import time

import pytest
from tests.e2e.conftest import Until

from teastorm.chaos.faults.episode import Episode
from teastorm.chaos.faults.node_drain import NodeDrain
from teastorm.chaos.interruption import Interruption
from teastorm.chaos.site import LiveSite
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.operations import Operations
from teastorm.platforms.kubernetes.platform import KubernetesPlatform

PAIR = ShopPlan(replicas={"orders": 1, "dispatch": 1, "inference": 1, "gateway": 2})


def nodes(cluster: Operations) -> tuple[str, str]:
    """The database's node, and another one."""
    database = cluster.database()
    assert database is not None
    return database.node, next(n for n in cluster.schedulable() if n != database.node)


def test_the_second_of_two_pods_on_a_node_waits_for_the_first_ones_successor(
    kubernetes: KubernetesPlatform, until: Until
) -> None:
    kubernetes.deploy(PAIR)
    kubernetes.wait_ready(kubernetes.ready_within_s)
    cluster = kubernetes.operations
    home, away = nodes(cluster)

    def both_away() -> bool:
        pods = [pod for pod in cluster.pods("gateway") if not pod.deleting]
        return [pod.node for pod in pods if pod.ready] == [away, away]

    cluster.cordon(home)
    try:
        with pytest.raises(ValueError, match="is the only one that takes pods"):
            NodeDrain("gateway", node=away).begin(LiveSite(kubernetes, Interruption(), 0.0))
        for pod in cluster.pods("gateway"):
            if pod.node == home:
                kubernetes.kill(pod.name)
        until(both_away, "both gateways are on one node")
    finally:
        cluster.uncordon(home)
    # The taint of a cordoned node goes a moment later.
    until(lambda: home in cluster.schedulable(), "the first node takes pods again")

    site = LiveSite(kubernetes, Interruption(), time.monotonic())
    with Episode(NodeDrain("gateway", node=away, at_once=True), site, "drain-1") as episode:
        assert episode.hold(120.0)
    assert episode.record.proved
    assert "a disruption budget delayed 1 of them" in episode.record.evidence
    refused = [row for row in site.events() if row["kind"] == "eviction_refused"]
    assert [row["service"] for row in refused] == ["gateway"]
    assert {pod.node for pod in cluster.pods("gateway")} == {home}
    until(lambda: away in cluster.schedulable(), "the drained node takes pods again")
