"""The command line on a cluster: named, never guessed; what a dead run left, told and ended."""

import json
import time

import pytest
from tests.cli.conftest import Teastorm
from tests.platforms.conftest import cluster, cluster_settings  # noqa: F401 - fixtures
from tests.platforms.fake_cluster import FakeCluster

from teastorm.platforms.kubernetes.effects import Effect, Effects
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.settings import ClusterSettings

NAMESPACE = "/api/v1/namespaces/teashop"
ON = ("--platform", "kubernetes", "--context", "fake")
OURS = {"app.kubernetes.io/managed-by": "teastorm"}


@pytest.fixture
def left(cluster: FakeCluster, cluster_settings: ClusterSettings) -> FakeCluster:  # noqa: F811 - fixtures
    """A node that a run cordoned before it died."""
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    cluster.put("/api/v1/nodes/one", {"kind": "Node", "spec": {"unschedulable": True}})
    effects = Effects(connect(cluster_settings), "teashop")
    effects.note(Effect(kind="cordoned", subject="one", at_unix_s=time.time()))
    return cluster


@pytest.mark.parametrize(
    "words", [("status",), ("down",), ("rollback",), ("up",), ("run", "overload-3x")]
)
def test_a_cluster_is_never_guessed(
    teastorm: Teastorm,
    cluster: FakeCluster,  # noqa: F811 - a fixture
    words: tuple[str, ...],
) -> None:
    done = teastorm(*words, "--platform", "kubernetes")
    assert done.exit_code == 2
    assert "name the cluster: --context NAME (the current one is fake)" in done.stderr
    assert not cluster.requests


def test_a_context_without_a_cluster_is_a_slip(teastorm: Teastorm) -> None:
    done = teastorm("status", "--context", "fake")
    assert done.exit_code == 2
    assert "--context is for --platform kubernetes" in done.stderr


def test_a_rollback_is_for_clusters(teastorm: Teastorm) -> None:
    done = teastorm("rollback")
    assert done.exit_code == 2
    assert "teastorm down" in done.stderr


def test_nothing_is_told_as_nothing(
    teastorm: Teastorm,
    cluster: FakeCluster,  # noqa: F811 - a fixture
) -> None:
    done = teastorm("status", *ON)
    assert (done.exit_code, "nothing runs" in done.stdout) == (0, True)
    done = teastorm("down", *ON)
    assert (done.exit_code, "nothing was there" in done.stdout) == (0, True)
    done = teastorm("rollback", *ON)
    assert (done.exit_code, "no fault was in force" in done.stdout) == (0, True)


def test_status_tells_what_a_dead_run_left(teastorm: Teastorm, left: FakeCluster) -> None:
    done = teastorm("status", *ON)
    assert done.exit_code == 3
    assert "in force: node one is cordoned" in done.stdout
    assert "`teastorm rollback` ends its faults" in done.stdout
    content = json.loads(teastorm("status", *ON, "--json").stdout)
    assert (content["schema"], content["state"]) == ("teastorm.status-kubernetes/1", "leftovers")
    assert content["faults"][0]["subject"] == "one"


def test_rollback_ends_it(teastorm: Teastorm, left: FakeCluster) -> None:
    done = teastorm("rollback", *ON, "--json")
    assert (done.exit_code, json.loads(done.stdout)["ended"]) == (0, ["node one is cordoned"])
    assert left.objects["/api/v1/nodes/one"]["spec"] == {}
    assert teastorm("status", *ON).exit_code == 0


def test_down_ends_it_and_removes_the_namespace(teastorm: Teastorm, left: FakeCluster) -> None:
    done = teastorm("down", *ON)
    assert (done.exit_code, done.stdout) == (0, "removed namespace teashop\n")
    assert left.objects["/api/v1/nodes/one"]["spec"] == {}
    assert not [path for path in left.objects if "teashop" in path]


def test_up_installs_and_status_shows_the_pods(
    teastorm: Teastorm,
    cluster: FakeCluster,  # noqa: F811 - fixtures
    cluster_settings: ClusterSettings,  # noqa: F811 - the same
) -> None:
    chart = ("--chart", str(cluster_settings.chart), "--gateway-url", cluster.address)
    done = teastorm("up", *ON, *chart, "--replicas", "1", "--json")
    assert done.exit_code == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["door"] == cluster.address
    assert len(content["endpoints"]["gateway"]) == 1
    shown = json.loads(teastorm("status", *ON, "--json").stdout)
    assert (shown["state"], shown["holder"]) == ("running", None)
    rows = shown["replicas"]
    assert sorted(row["service"] for row in rows) == [
        "dispatch",
        "gateway",
        "inference",
        "orders",
    ]
    assert all(set(row["start_up"]) == {"scheduled_s", "started_s", "ready_s"} for row in rows)
    assert teastorm("down", *ON).exit_code == 0


def test_a_drain_is_refused_before_anything_is_begun_where_nodes_are_out_of_reach(
    teastorm: Teastorm,
    cluster: FakeCluster,  # noqa: F811 - fixtures
    cluster_settings: ClusterSettings,  # noqa: F811 - the same
) -> None:
    cluster.forbids.add(("patch", "nodes"))
    done = teastorm("run", "node-drain", *ON, "--chart", str(cluster_settings.chart))
    assert done.exit_code == 3
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("teastorm: context fake: not allowed to patch nodes, which drain")
    assert (cluster.helm_words, NAMESPACE in cluster.objects) == ([], False)
