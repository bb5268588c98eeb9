"""Rights that no Role of a namespace grants are asked for before a run begins."""

import pytest
from tests.platforms.fake_cluster import FakeCluster

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.rights import OUTSIDE, REVIEWS
from teastorm.runner.shape import FAULTS


@pytest.mark.parametrize("verb", ["list", "patch"])
def test_a_drain_without_the_right_to_nodes_is_refused_in_words(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, verb: str
):
    cluster.forbids.add((verb, "nodes"))
    with pytest.raises(
        PlatformError, match=rf"not allowed to {verb} nodes.*rbac\.cluster"
    ) as error:
        kubernetes.require_allowed(("surge", "drain_node"))
    assert error.value.exit_code == 3
    assert "\n" not in error.value.sentence
    assert set(cluster.requests) == {("POST", REVIEWS)}


def test_with_it_the_drain_may_begin(cluster: FakeCluster, kubernetes: KubernetesPlatform):
    kubernetes.require_allowed(("drain_node",))
    assert cluster.requests == [("POST", REVIEWS)] * 2


def test_what_stays_in_the_namespace_is_not_asked_about(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    cluster.forbids.update({("list", "nodes"), ("patch", "nodes")})
    assert OUTSIDE.keys() < set(FAULTS)
    kubernetes.require_allowed([fault for fault in FAULTS if fault not in OUTSIDE])
    assert not cluster.requests
