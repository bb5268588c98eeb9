"""Why the pods of a load inside a cluster do not come: in the API server's words, and the scheduler's."""

from pathlib import Path

import pytest
from tests.platforms.fake_cluster import FakeCluster, Refusal
from tests.platforms.test_load_inside import inside

from teastorm.load.errors import LoadDidNotStart
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.load_inside import InsideLoad
from teastorm.platforms.kubernetes.load_pods import LoadPods
from teastorm.platforms.kubernetes.settings import ClusterSettings

QUOTA = 'pods "teastorm-load-master-x7" is forbidden: exceeded quota: team, requested: cpu=100m'
SPACE = "/api/v1/namespaces/teashop"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pod comes within half a second, no load starts within one."""
    monkeypatch.setattr("teastorm.platforms.kubernetes.load_inside.PODS_COME_WITHIN_S", 0.5)
    monkeypatch.setattr("teastorm.platforms.kubernetes.load_inside.STARTS_WITHIN_S", 1.0)


def put_pods(cluster: FakeCluster, count: int, status: dict) -> None:
    for name in ["master-1", *(f"worker-{n}" for n in range(1, count))]:
        meta = {"name": f"teastorm-load-{name}", "labels": inside().labels("x")}
        pod = {"kind": "Other", "metadata": meta, "spec": {"containers": [{"name": "load"}]}}
        cluster.put(f"{SPACE}/pods/teastorm-load-{name}", pod | {"status": status})


def how_it_fails(settings: ClusterSettings, folder: Path) -> str:
    with pytest.raises(LoadDidNotStart) as error:
        InsideLoad(connect(settings), inside(), folder).start()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("came", [0, 2])
def test_pods_that_the_api_server_does_not_take_are_told_in_its_words(
    cluster: FakeCluster,
    cluster_settings: ClusterSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    came: int,
):
    monkeypatch.setattr("teastorm.platforms.kubernetes.load_inside.PODS_COME_WITHIN_S", 0.3)
    cluster.takes_no_pods = QUOTA
    put_pods(cluster, came, {"phase": "Pending"})
    said = how_it_fails(cluster_settings, tmp_path)
    assert said == f"the load cannot start inside the cluster: {QUOTA}"
    assert not [path for path in cluster.objects if "/jobs/" in path or "/services/" in path]


def test_what_was_refused_at_first_and_came_is_not_told(
    cluster: FakeCluster, cluster_settings: ClusterSettings, tmp_path: Path, impatient: None
):
    cluster.takes_no_pods = QUOTA
    put_pods(cluster, 3, {"phase": "Pending"})
    assert (
        how_it_fails(cluster_settings, tmp_path) == "the load did not start in the cluster in 1 s"
    )


def test_the_newest_of_a_jobs_own_refusals_is_told(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    told = [
        ("earlier", "FailedCreate", "08:00:03", "Error creating: of an earlier load"),
        ("mine", "FailedCreate", "08:00:02", f"(combined from similar): Error creating: {QUOTA}"),
        ("mine", "FailedCreate", "08:00:01", "Error creating: status unknown for quota: team"),
        ("mine", "SuccessfulCreate", "08:00:04", "Created pod: teastorm-load-worker-x8"),
    ]
    for number, (uid, reason, at, said) in enumerate(told):
        event = {"involvedObject": {"uid": uid}, "reason": reason, "message": said}
        event["lastTimestamp"] = f"2026-02-06T{at}Z"
        cluster.put(f"{SPACE}/events/{number}", event)
    pods = LoadPods(connect(cluster_settings), inside())
    assert pods.refused(["other", "mine"]) == QUOTA
    assert not pods.refused(["other"])


def test_whoever_may_not_read_events_waits(
    cluster: FakeCluster, cluster_settings: ClusterSettings, tmp_path: Path, impatient: None
):
    cluster.takes_no_pods = QUOTA
    refusal = (lambda _, path: path.endswith("/events"), Refusal(403, "events is forbidden"))
    cluster.fail += [refusal] * 9
    assert "did not start in the cluster" in how_it_fails(cluster_settings, tmp_path)


def test_pods_that_no_node_takes_are_told_in_the_schedulers_words(
    cluster: FakeCluster, cluster_settings: ClusterSettings, tmp_path: Path, impatient: None
):
    unscheduled = {"type": "PodScheduled", "status": "False", "message": "Insufficient cpu"}
    put_pods(cluster, 3, {"phase": "Pending", "conditions": [unscheduled]})
    said = how_it_fails(cluster_settings, tmp_path)
    assert said.startswith("the load did not start in the cluster in 1 s; teastorm-load-")
    assert said.count("Insufficient cpu") == 1
