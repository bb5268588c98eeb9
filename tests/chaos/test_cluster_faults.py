"""Faults that only a cluster has, against a fake API server: each proved, undone, and refused in words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.conftest import StillSite
from tests.platforms.conftest import cluster, cluster_settings, until_real  # noqa: F401 - fixtures
from tests.platforms.fake_cluster import FakeCluster

from teastorm.chaos.faults.base import Fault
from teastorm.chaos.faults.container_kill import ContainerKill
from teastorm.chaos.faults.episode import Episode
from teastorm.chaos.faults.hang import Hang
from teastorm.chaos.faults.loss_of_all import LossOfAll
from teastorm.chaos.faults.node_drain import NodeDrain
from teastorm.chaos.faults.postgres_loss import PostgresLoss
from teastorm.chaos.faults.replica_loss import ReplicaLoss
from teastorm.chaos.faults.rolling_restart import RollingRestart
from teastorm.chaos.interruption import Interruption
from teastorm.chaos.site import LiveSite
from teastorm.platforms.base import SERVICES, ShopPlan
from teastorm.platforms.kubernetes.effects import Effects
from teastorm.platforms.kubernetes.operations import Operations
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.pods import Pod
from teastorm.platforms.kubernetes.settings import ClusterSettings

NODE = "/api/v1/nodes/{}"
POSTGRES = "/api/v1/namespaces/teashop/pods/teashop-postgresql-0"


@pytest.fixture
def shop(cluster_settings: ClusterSettings) -> Iterator[KubernetesPlatform]:  # noqa: F811 - a fixture
    platform = KubernetesPlatform(cluster_settings)
    platform.deploy(ShopPlan())
    platform.wait_ready(20)
    yield platform
    assert not platform.tear_down()


@pytest.fixture
def live(shop: KubernetesPlatform) -> LiveSite:
    return LiveSite(shop, Interruption(), 0.0)


def postgres(cluster: FakeCluster, uid: str, node: str = "two", *, ready: bool = True) -> None:  # noqa: F811
    labels = {
        "app.kubernetes.io/instance": "teashop",
        "app.kubernetes.io/component": "postgresql",
    }
    condition = {"type": "Ready", "status": str(ready)}
    body = {
        "metadata": {"name": "teashop-postgresql-0", "uid": uid, "labels": labels},
        "spec": {"nodeName": node, "containers": [{"name": "postgresql"}]},
        "status": {"phase": "Running", "conditions": [condition]},
    }
    cluster.put(POSTGRES, body)


def run(fault: Fault, site: LiveSite, hold_s: float = 1.0) -> Episode:
    with Episode(fault, site, "fault-1") as episode:
        assert episode.hold(hold_s)
    assert episode.record.rolled_back
    return episode


def test_a_lost_pod_is_proved_by_uids(live: LiveSite) -> None:
    victim = live.identities("inference")[0]
    record = run(ReplicaLoss("inference"), live).record
    assert record.proved
    assert victim.uid in record.evidence
    assert victim.uid not in {identity.uid for identity in record.after}
    assert record.before[0].as_json()["uid"] == victim.uid


def test_scaled_to_nothing_and_back(live: LiveSite, shop: KubernetesPlatform) -> None:
    record = run(LossOfAll("inference"), live, hold_s=2.0).record
    assert (record.proved, record.rolled_back) == (True, True)
    assert len(live.ready_identities("inference")) == 2


def test_a_killed_container_is_proved_by_its_restart_count(live: LiveSite) -> None:
    victim = live.identities("orders")[0]
    record = run(ContainerKill("orders"), live).record
    assert record.proved
    (again,) = [identity for identity in record.after if identity.uid == victim.uid]
    assert again.restarts == victim.restarts + 1


def test_a_hang_is_proved_by_silence_and_ends(
    cluster: FakeCluster,  # noqa: F811
    live: LiveSite,
) -> None:
    record = run(Hang("gateway", hold_s=1.0), live).record
    assert "went on in the same container" in record.evidence
    assert [name for _, name in cluster.signals] == ["STOP", "CONT"]
    assert record.proved


def test_a_hang_that_liveness_ended_says_so(
    cluster: FakeCluster,  # noqa: F811
    live: LiveSite,
) -> None:
    fault = Hang("gateway", hold_s=1.0)
    with Episode(fault, live, "hang-1") as episode:
        episode.hold(0.5)
        (name, _) = cluster.signals[0]
        path = f"/api/v1/namespaces/teashop/pods/{name}"
        cluster.objects[path]["_stopped"] = False
        cluster.controller.signal(path, "KILL")
        until_real(
            lambda: not any(live.still_running(victim) for victim in fault._victims), "restarted"
        )
    assert "liveness killed" in episode.record.evidence
    assert episode.record.rolled_back


def test_a_rolling_restart_replaces_every_pod(live: LiveSite) -> None:
    before = {identity.uid for identity in live.identities("gateway")}
    record = run(RollingRestart("gateway"), live, hold_s=20.0).record
    assert record.proved
    assert not before & {identity.uid for identity in record.after}
    assert "at the worst moment" in record.evidence


def test_a_drain_evicts_within_budgets_and_gives_the_node_back(
    cluster: FakeCluster,  # noqa: F811
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


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
def test_a_careful_drain_waits_for_each_successor(
    cluster: FakeCluster,  # noqa: F811
    live: LiveSite,
    monkeypatch: pytest.MonkeyPatch,
    *,
    at_once: bool,
) -> None:
    postgres(cluster, "pg-1", node="two")
    until_real(lambda: live.platform.operations.database() is not None, "the database was seen")
    whole = {service: len(live.ready_identities(service)) for service in SERVICES}
    seen: list[bool] = []
    evict = Operations.evict

    def watched(self: Operations, pod: Pod) -> bool:
        seen.append(all(len(live.ready_identities(s)) == n for s, n in whole.items()))
        return evict(self, pod)

    monkeypatch.setattr(Operations, "evict", watched)
    with Episode(NodeDrain("gateway", at_once=at_once), live, "drain-1") as episode:
        assert episode.hold(20.0)
    assert episode.record.proved
    assert len(seen) > 2
    assert all(seen) is not at_once


def test_the_node_of_the_database_is_never_drained(
    cluster: FakeCluster,  # noqa: F811
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
    cluster: FakeCluster,  # noqa: F811
    live: LiveSite,
    cluster_settings: ClusterSettings,  # noqa: F811
) -> None:
    cluster.budget_refusals = 1000
    with Episode(NodeDrain("gateway", node="one"), live, "drain-1") as episode:
        assert [e.kind for e in Effects(live.platform._shop.api, "teashop").read()] == ["cordoned"]
        assert episode.roll_back()
    assert not episode.record.proved
    assert cluster.objects[NODE.format("one")]["spec"] == {}
    assert not Effects(live.platform._shop.api, "teashop").read()


def test_the_loss_of_the_database_is_proved_by_its_uid(
    cluster: FakeCluster,  # noqa: F811
    live: LiveSite,
) -> None:
    postgres(cluster, "pg-1")
    until_real(lambda: live.platform.operations.database() is not None, "the database was seen")
    with Episode(PostgresLoss(), live, "loss-1") as episode:
        until_real(lambda: POSTGRES not in cluster.objects, "it is gone")
        postgres(cluster, "pg-2")
        episode.hold(0.5)
    assert episode.record.proved
    assert "pg-1" in episode.record.evidence
    assert "pg-2" in episode.record.evidence


def test_without_a_database_there_is_none_to_lose(live: LiveSite) -> None:
    episode = Episode(PostgresLoss(), live, "loss-1", heal_timeout_s=0.1)
    with pytest.raises(ValueError, match="no PostgreSQL"), episode:
        pass


@pytest.mark.parametrize(
    "fault",
    [
        ContainerKill("gateway"),
        Hang("gateway", hold_s=1.0),
        RollingRestart("gateway"),
        NodeDrain("gateway"),
        PostgresLoss(),
    ],
    ids=lambda fault: fault.kind,
)
def test_elsewhere_they_are_refused_in_one_sentence(fault: Fault, site: StillSite) -> None:
    with (
        pytest.raises(ValueError, match="needs the kubernetes platform, not memory"),
        Episode(fault, site, "fault-1", heal_timeout_s=0.1, end_timeout_s=0.1),
    ):
        pass


def test_experiments_for_a_cluster_are_refused_elsewhere() -> None:
    from teastorm.runner.problems import RunProblem  # noqa: PLC0415 - beside its only use
    from teastorm.runner.run import Wish, prepared  # noqa: PLC0415 - the same

    directory = Path(__file__).parents[2] / "experiments"
    for name in (
        "rolling-restart-gateway",
        "rolling-restart-orders",
        "node-drain",
        "postgres-loss",
    ):
        with pytest.raises(RunProblem, match="run it with --platform kubernetes") as error:
            prepared(Wish(path=directory / f"{name}.yaml"))
        assert error.value.exit_code == 2
        assert prepared(Wish(path=directory / f"{name}.yaml", platform="kubernetes")).faults
