"""What was in a namespace before a run is put back after it, or after the run's next deployment."""

import pytest
from tests.platforms.fake_cluster import FakeCluster, Refusal
from tests.platforms.kubernetes_parts import BEFORE, LEASE, NAMESPACE, ONE, OURS, PAIR, refused

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings


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
