"""What a run leaves: the faults of one that died, and the shop that was there before."""

import subprocess
import sys

import pytest
from tests.platforms.fake_cluster import FakeCluster, Refusal
from tests.platforms.kubernetes_parts import BEFORE, LEASE, NAMESPACE, ONE, OURS, PAIR, refused

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.effects import Effect, Effects
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.survey import remove_all, roll_back, survey

RUNNER = """
import sys, threading
from pathlib import Path
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.kubeconfig import connect
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


@pytest.fixture
def died(cluster: FakeCluster, cluster_settings: ClusterSettings) -> FakeCluster:
    """A runner that was killed with -9 in mid-fault."""
    command = [sys.executable, "-c", RUNNER, cluster.address, str(cluster_settings.chart)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "faulty\n"
    process.kill()
    process.wait()
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


def test_a_shop_that_was_there_is_put_back(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    theirs = {
        "image": {"tag": "mine"},
        "gateway": {"replicas": 3},
        "faultInjection": {"enabled": True},
    }
    cluster.helm(["upgrade", "--namespace", "teashop"], theirs)
    kubernetes.deploy(PAIR)
    kubernetes.wait_ready(20)
    during = cluster.releases["teashop/teashop"]
    assert (during["image"], during["gateway"]["replicas"]) == ({"tag": "mine"}, 2)
    assert during["faultInjection"]["token"]
    assert not kubernetes.tear_down()
    assert cluster.releases["teashop/teashop"] == theirs
    assert BEFORE not in cluster.objects


def test_up_keeps_what_it_installed(cluster: FakeCluster, cluster_settings: ClusterSettings):
    platform = KubernetesPlatform(cluster_settings)
    platform.deploy(ONE)
    platform.wait_ready(20)
    platform.keep()
    assert not platform.tear_down()
    look = survey(connect(cluster_settings), cluster_settings)
    assert (look.state, look.holder, look.unfinished) == ("running", None, False)
    assert [pod.component for pod in look.pods] == ["gateway"]


def test_a_successor_takes_the_namespace_as_it_is_and_puts_back_what_was_there_first(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    """Between a measurement and its run the old release is not installed for nothing."""
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    theirs = {"image": {"tag": "mine"}, "faultInjection": {"enabled": True}}
    cluster.helm(["upgrade", "--namespace", "teashop"], theirs)
    kubernetes.deploy(PAIR)
    kubernetes.wait_ready(20)
    before = {r.identity for r in kubernetes.replicas()}
    kubernetes.pause_replacing("orders")  # a fault that nobody ended
    helms = cluster.helm_words
    helms.clear()
    heir = kubernetes.successor()
    assert helms == []
    heir.deploy(PAIR)
    heir.wait_ready(20)
    assert helms == ["uninstall", "upgrade"]
    assert not before & {r.identity for r in heir.replicas()}
    assert not kubernetes.tear_down()  # it has nothing any more
    assert cluster.releases["teashop/teashop"]["gateway"]["replicas"] == 2
    assert not heir.tear_down()
    assert cluster.releases["teashop/teashop"] == theirs
    assert BEFORE not in cluster.objects
    assert LEASE not in cluster.objects


def test_a_namespace_that_was_made_is_kept_for_the_successor_and_goes_with_it(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    kubernetes.deploy(ONE)
    kubernetes.wait_ready(20)
    uid = cluster.objects[NAMESPACE]["metadata"]["uid"]
    heir = kubernetes.successor()
    second = KubernetesPlatform(cluster_settings)
    assert "another run holds namespace" in refused(second).sentence
    heir.deploy(ONE)
    heir.wait_ready(20)
    assert cluster.objects[NAMESPACE]["metadata"]["uid"] == uid
    assert not heir.tear_down()
    assert NAMESPACE not in cluster.objects


def test_a_successor_that_is_never_deployed_puts_back_all_the_same(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    kubernetes.deploy(ONE)
    kubernetes.wait_ready(20)
    assert not kubernetes.successor().tear_down()
    assert not [path for path in cluster.objects if "teashop" in path]


def test_a_fault_that_stays_is_not_handed_on(cluster: FakeCluster, kubernetes: KubernetesPlatform):
    kubernetes.deploy(ONE)
    kubernetes.wait_ready(20)
    kubernetes.operations.cordon("one")
    for _ in range(2):  # before it would be handed on, and as all is put back
        cluster.fail.append((lambda _, path: path == "/api/v1/nodes/one", Refusal(403, "no")))
    with pytest.raises(PlatformError, match="node one is cordoned") as error:
        kubernetes.successor()
    assert error.value.exit_code == 5
    assert LEASE not in cluster.objects


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


CLUSTER_WIDE = ("clusterroles", "clusterrolebindings")
