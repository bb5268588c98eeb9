"""Drains of a node, against a fake API server: within budgets, one by one or at once, never the database's."""

from collections.abc import Iterator

import pytest
from tests.chaos.cluster_parts import NODE, postgres
from tests.platforms.fake_cluster import FakeCluster
from tests.waiting import until as until_real

from teastorm.chaos.faults.episode import Episode
from teastorm.chaos.faults.node_drain import NodeDrain
from teastorm.chaos.interruption import Interruption
from teastorm.chaos.site import LiveSite
from teastorm.platforms.base import SERVICES, ShopPlan
from teastorm.platforms.kubernetes.effects import Effects
from teastorm.platforms.kubernetes.operations import Operations
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.pods import Pod
from teastorm.platforms.kubernetes.settings import ClusterSettings


@pytest.fixture
def shop(cluster_settings: ClusterSettings) -> Iterator[KubernetesPlatform]:
    platform = KubernetesPlatform(cluster_settings)
    platform.deploy(ShopPlan())
    platform.wait_ready(20)
    yield platform
    assert not platform.tear_down()


@pytest.fixture
def live(shop: KubernetesPlatform) -> LiveSite:
    return LiveSite(shop, Interruption(), 0.0)


def test_a_drain_evicts_within_budgets_and_gives_the_node_back(
    cluster: FakeCluster,
    live: LiveSite,
) -> None:
    postgres(cluster, "pg-1", node="two")
    until_real(lambda: live.platform.operations.database() is not None, "the database was seen")
    cluster.budget_refusals = 1
    fault = NodeDrain("gateway", at_once=True)
    with Episode(fault, live, "drain-1") as episode:
        assert cluster.objects[NODE.format("one")]["spec"] == {"unschedulable": True}
        assert episode.hold(20.0)
    record = episode.record
    assert record.proved
    assert "node one" in record.evidence
    assert "a disruption budget delayed 1 of them" in record.evidence
    assert cluster.objects[NODE.format("one")]["spec"] == {}
    kinds = [row["kind"] for row in live.events()]
    assert "eviction_refused" in kinds


def test_a_budget_that_never_allows_leaves_the_pods_where_they_are_and_proves_nothing(
    cluster: FakeCluster, live: LiveSite
) -> None:
    cluster.budget_refusals = 10**6
    before = {pod.uid for pod in live.platform.operations.pods()}
    fault = NodeDrain("gateway", at_once=True)
    with Episode(fault, live, "drain-1") as episode:
        assert episode.hold(0.5)
    assert episode.record.rolled_back
    assert not episode.record.proved
    assert "0 of 4 pods evicted: none" in episode.record.evidence
    assert "a disruption budget delayed 4 of them" in episode.record.evidence
    assert {pod.uid for pod in live.platform.operations.pods()} == before
    assert cluster.objects[NODE.format(fault.planned()["node"])]["spec"] == {}


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
def test_a_careful_drain_waits_for_each_successor(
    cluster: FakeCluster,
    live: LiveSite,
    monkeypatch: pytest.MonkeyPatch,
    *,
    at_once: bool,
) -> None:
    postgres(cluster, "pg-1", node="two")
    until_real(lambda: live.platform.operations.database() is not None, "the database was seen")
    whole = {service: len(live.ready_identities(service)) for service in SERVICES}
    seen: list[bool] = []
    evict, ready_after_s = Operations.evict, cluster.ready_after_s

    def is_whole() -> bool:
        return all(len(live.ready_identities(s)) == n for s, n in whole.items())

    def watched(self: Operations, pod: Pod) -> bool:
        seen.append(is_whole())
        granted = evict(self, pod)
        if at_once:
            until_real(lambda: not is_whole(), "the watch told of it")
        return granted

    monkeypatch.setattr(Operations, "evict", watched)
    if at_once:
        cluster.ready_after_s = 3600.0  # no successor comes between two evictions, however slow
    with Episode(NodeDrain("gateway", at_once=at_once), live, "drain-1") as episode:
        cluster.ready_after_s = ready_after_s
        assert episode.hold(20.0)
    assert episode.record.proved
    assert len(seen) > 2
    assert all(seen) is not at_once


def test_the_node_of_the_database_is_never_drained(
    cluster: FakeCluster,
    live: LiveSite,
) -> None:
    postgres(cluster, "pg-1", node="two")
    until_real(lambda: live.platform.operations.database() is not None, "the database was seen")
    with (
        pytest.raises(ValueError, match="node two holds PostgreSQL's local volume"),
        Episode(NodeDrain("gateway", node="two"), live, "drain-1"),
    ):
        pass
    assert cluster.objects[NODE.format("two")]["spec"] == {}


def test_an_interrupted_drain_gives_the_node_back(
    cluster: FakeCluster,
    live: LiveSite,
    cluster_settings: ClusterSettings,
) -> None:
    cluster.budget_refusals = 1000
    with Episode(NodeDrain("gateway", node="one"), live, "drain-1") as episode:
        assert [e.kind for e in Effects(live.platform._shop.api, "teashop").read()] == ["cordoned"]
        assert episode.roll_back()
    assert not episode.record.proved
    assert cluster.objects[NODE.format("one")]["spec"] == {}
    assert not Effects(live.platform._shop.api, "teashop").read()
