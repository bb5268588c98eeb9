"""What a run leaves: the faults of one that died, and what it has outside its namespace."""

import subprocess
import sys

import pytest
from tests.platforms.fake_cluster import FakeCluster, Refusal
from tests.platforms.kubernetes_parts import NAMESPACE, ONE, OURS, refused
from tests.platforms.places import fake_cluster, settings_of

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.effects import Effect, Effects
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.survey import remove_all, roll_back, survey

CLUSTER_WIDE = ("clusterroles", "clusterrolebindings")

RUNNER = """
import sys, threading
from pathlib import Path
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
platform = KubernetesPlatform(ClusterSettings(
    context="fake", gateway_url=sys.argv[1], chart=Path(sys.argv[2])))
platform.deploy(ShopPlan(replicas={"gateway": 2, "inference": 2}))
platform.wait_ready(20)
platform.pause_replacing("inference")
print("faulty", flush=True)
threading.Event().wait()
"""


@pytest.fixture(scope="module")
def dead(tmp_path_factory: pytest.TempPathFactory) -> FakeCluster:
    """The cluster of a runner that was killed with -9 in mid-fault, closed."""
    folder = tmp_path_factory.mktemp("dead")
    with pytest.MonkeyPatch.context() as patch, fake_cluster(folder, patch) as fake:
        chart = str(settings_of(fake, folder).chart)
        command = [sys.executable, "-c", RUNNER, fake.address, chart]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "faulty\n"
        process.kill()
        process.wait()
    return fake


@pytest.fixture
def died(dead: FakeCluster, cluster: FakeCluster) -> FakeCluster:
    """A cluster as that runner left it."""
    cluster.become(dead)
    return cluster


def test_a_killed_runs_fault_is_found_told_and_ended(
    died: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    look = survey(api, cluster_settings)
    assert look.state == "leftovers"
    assert [str(effect) for effect in look.effects] == [
        "inference is scaled to nothing (wanted: 2)"
    ]
    error = refused(kubernetes)
    assert error.exit_code == 3
    assert "inference is scaled to nothing" in error.sentence
    assert "teastorm rollback" in error.sentence
    ended, trouble = roll_back(api, cluster_settings)
    assert ([effect.subject for effect in ended], trouble) == (["inference"], [])
    path = "/apis/apps/v1/namespaces/teashop/deployments/teashop-inference"
    assert died.objects[path]["spec"]["replicas"] == 2
    assert not survey(api, cluster_settings).effects


def test_after_a_killed_run_down_leaves_nothing(
    died: FakeCluster, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    assert not remove_all(api, cluster_settings)
    assert not [path for path in died.objects if "teashop" in path]
    assert survey(api, cluster_settings).state == "nothing"
    assert not remove_all(api, cluster_settings)


def test_the_next_run_after_a_rollback_puts_nothing_of_the_dead_one_back(
    died: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    roll_back(connect(cluster_settings), cluster_settings)
    kubernetes.deploy(ONE)
    kubernetes.wait_ready(20)
    assert not kubernetes.tear_down()
    assert not [path for path in died.objects if "teashop" in path]


def test_a_rollback_during_a_living_run_is_refused(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    kubernetes.deploy(ONE)
    with pytest.raises(PlatformError, match="interrupt it") as error:
        roll_back(connect(cluster_settings), cluster_settings)
    assert error.value.exit_code == 3


def test_an_effect_that_cannot_be_undone_stays_on_record(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    effects = Effects(api, "teashop")
    effects.note(Effect(kind="cordoned", subject="one", at_unix_s=2.0))
    effects.note(Effect(kind="cordoned", subject="two", at_unix_s=1.0))
    cluster.fail.append((lambda method, path: path.endswith("/two"), Refusal(403, "no")))
    ended, trouble = roll_back(api, cluster_settings)
    assert [effect.subject for effect in ended] == ["one"]
    assert "node two is cordoned" in trouble[0]
    assert [effect.subject for effect in effects.read()] == ["two"]


def test_a_record_that_is_not_ours_is_refused_in_words(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    path = f"{NAMESPACE}/configmaps/teastorm-effects"
    cluster.put(path, {"data": {"x": '{"kind": "fire", "subject": "x", "at_unix_s": 1}'}})
    with pytest.raises(PlatformError, match="x is not a record of ours"):
        Effects(connect(cluster_settings), "teashop").read()


def test_up_keeps_what_it_installed(cluster: FakeCluster, cluster_settings: ClusterSettings):
    platform = KubernetesPlatform(cluster_settings)
    platform.deploy(ONE)
    platform.wait_ready(20)
    platform.keep()
    assert not platform.tear_down()
    look = survey(connect(cluster_settings), cluster_settings)
    assert (look.state, look.holder, look.unfinished) == ("running", None, False)
    assert [pod.component for pod in look.pods] == ["gateway"]


@pytest.mark.parametrize("ended_by", ["down", "tear_down"])
def test_what_a_release_has_outside_its_namespace_goes_with_it(
    cluster: FakeCluster,
    kubernetes: KubernetesPlatform,
    cluster_settings: ClusterSettings,
    ended_by: str,
):
    kubernetes.deploy(ONE)
    group = "/apis/rbac.authorization.k8s.io/v1"
    mine = [f"{group}/{kind}/teashop-teashop-teastorm" for kind in CLUSTER_WIDE]
    theirs = [f"{group}/{kind}/theirs-teashop-teastorm" for kind in CLUSTER_WIDE]
    for path in (*mine, *theirs):
        cluster.put(path, {"kind": "ClusterRole"})
    if ended_by == "down":
        kubernetes.keep()
        assert not remove_all(connect(cluster_settings), cluster_settings)
    else:
        assert not kubernetes.tear_down()
    assert {path for path in cluster.objects if "rbac" in path} == set(theirs)
