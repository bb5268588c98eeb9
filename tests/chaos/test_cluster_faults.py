"""Faults that only a cluster has, against a fake API server: each proved, undone, and refused in words.

The faults strike one shop, one after the other: each leaves it as whole as it was.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.cluster_parts import POSTGRES, postgres, run
from tests.chaos.conftest import StillSite
from tests.platforms.fake_cluster import FakeCluster
from tests.platforms.places import Standing, fake_cluster, settings_of
from tests.waiting import until as until_real

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
from teastorm.platforms.base import Platform, ShopPlan
from teastorm.platforms.kubernetes.platform import KubernetesPlatform


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def cluster(folder: Path) -> Iterator[FakeCluster]:
    with pytest.MonkeyPatch.context() as patch, fake_cluster(folder, patch) as fake:
        yield fake


@pytest.fixture(scope="module")
def standing(cluster: FakeCluster, folder: Path) -> Iterator[Standing]:
    settings = settings_of(cluster, folder)
    shop = Standing(lambda: KubernetesPlatform(settings), ShopPlan())
    yield shop
    shop.close()


@pytest.fixture
def shop(standing: Standing, request: pytest.FixtureRequest) -> Iterator[Platform]:
    with standing.lent(request) as platform:
        yield platform


@pytest.fixture
def live(shop: Platform, cluster: FakeCluster) -> LiveSite:
    cluster.signals.clear()
    return LiveSite(shop, Interruption(), 0.0)


def test_a_lost_pod_is_proved_by_uids(cluster: FakeCluster, live: LiveSite) -> None:
    victim = live.identities("inference")[0]
    record = run(ReplicaLoss("inference"), live).record
    assert record.proved
    # Forgotten by the API server is not dead: the kubelet would let it answer for two seconds.
    assert cluster.signals == [(victim.replica, "KILL")]
    assert victim.uid in record.evidence
    assert victim.uid not in {identity.uid for identity in record.after}
    assert record.before[0].as_json()["uid"] == victim.uid


def test_scaled_to_nothing_and_back(live: LiveSite) -> None:
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
    cluster: FakeCluster,
    live: LiveSite,
) -> None:
    record = run(Hang("gateway", hold_s=1.0), live).record
    assert "went on in the same container" in record.evidence
    assert [name for _, name in cluster.signals] == ["STOP", "CONT"]
    assert record.proved


def test_a_hang_that_liveness_ended_says_so(
    cluster: FakeCluster,
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


def test_the_loss_of_the_database_is_proved_by_its_uid(
    cluster: FakeCluster,
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
    cluster.remove(POSTGRES)
    until_real(lambda: live.platform.operations.database() is None, "it is gone again")


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
