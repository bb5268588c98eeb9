"""Requests and watches through busy servers, broken connections and a lost cluster."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.platforms.fake_cluster import FakeCluster, Refusal
from tests.platforms.kubernetes_parts import ONE, PAIR, send_elsewhere
from tests.waiting import until as until_real

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.errors import TooMany
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.retry import RetryPolicy
from teastorm.platforms.kubernetes.settings import ClusterSettings


def test_busy_servers_are_asked_again(cluster: FakeCluster, cluster_settings: ClusterSettings):
    api = connect(cluster_settings)
    waits: list[float] = []
    api._sleep = waits.append
    for code in (429, 503, 500):
        cluster.fail.append(
            (lambda method, path: path == "/version", Refusal(code, "busy", {"Retry-After": "1"}))
        )
    assert api.get("/version") == {"major": "1"}
    assert len(waits) == 3
    assert all(wait >= 1.0 for wait in waits)


def test_a_server_that_stays_busy_is_given_up(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    api._sleep = lambda seconds: None
    for _ in range(50):
        cluster.fail.append((lambda method, path: path == "/version", Refusal(429, "busy")))
    with pytest.raises(TooMany, match="busy"):
        api.get("/version")
    assert len(cluster.requests) == RetryPolicy().tries


@given(
    attempt=st.integers(1, 20),
    spent_s=st.floats(0, 100),
    after_s=st.integers(0, 100),
    seed=st.integers(),
)
def test_waits_are_bounded_and_obey_retry_after(
    attempt: int, spent_s: float, after_s: int, seed: int
):
    policy = RetryPolicy()
    headers = {"retry-after": str(after_s)}
    wait_s = policy.wait_s(attempt, spent_s, headers, random.Random(seed))
    if wait_s is None:
        assert attempt >= policy.tries or spent_s + max(after_s, policy.cap_s) > policy.within_s
    else:
        assert after_s <= wait_s <= max(after_s, policy.cap_s)
        assert spent_s + wait_s <= policy.within_s


def test_a_watch_survives_expiry_and_broken_connections(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    kubernetes.deploy(PAIR)
    kubernetes.wait_ready(20)
    watcher = kubernetes._shop.watcher
    lists = watcher.lists
    cluster.forget_history()
    until_real(lambda: watcher.lists > lists, "410 was answered by a new list")
    cluster.drop_watches = True
    victim = kubernetes.replicas("gateway")[0]
    kubernetes.kill(victim.replica_id)
    until_real(
        lambda: victim.identity not in {r.identity for r in kubernetes.replicas("gateway")},
        "the loss was seen through broken watches",
    )
    cluster.drop_watches = False
    kubernetes.wait_ready(20)
    told = [e.kind for e in kubernetes.events() if e.replica_id == victim.replica_id]
    assert told == ["replica_started", "replica_ready", "replica_gone"]


def test_a_lost_cluster_is_told(
    cluster: FakeCluster, cluster_settings: ClusterSettings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("teastorm.platforms.kubernetes.watch.LOST_AFTER_S", 0.2)
    platform = KubernetesPlatform(cluster_settings)
    platform.deploy(ONE)
    platform.wait_ready(20)
    watcher = platform._shop.watcher
    watcher._api._retry = RetryPolicy(tries=1)
    send_elsewhere(watcher._api, "http://127.0.0.1:1")
    cluster.drop_watches = True
    until_real(lambda: watcher.lost() is not None, "it is lost")
    with pytest.raises(PlatformError, match="no API server answers") as error:
        platform.replicas()
    assert error.value.exit_code == 3
    send_elsewhere(watcher._api, f"http://{cluster.address}")
    cluster.drop_watches = False
    until_real(lambda: watcher.lost() is None, "it came back")
    assert not platform.tear_down()


def test_a_watch_that_brings_what_cannot_be_read_begins_anew(
    cluster: FakeCluster, kubernetes: KubernetesPlatform
):
    kubernetes.deploy(ONE)
    kubernetes.wait_ready(20)
    watcher = kubernetes._shop.watcher
    lists, apply, broken = watcher.lists, watcher._on_event, []

    def once(kind: str, item: dict) -> None:
        if not broken:
            broken.append(item)
            raise KeyError("status")
        apply(kind, item)

    watcher._on_event = once
    victim = kubernetes.replicas("gateway")[0]
    kubernetes.kill(victim.replica_id)
    until_real(lambda: watcher.lists > lists, "a new list was taken")
    until_real(
        lambda: {r.identity for r in kubernetes.replicas("gateway") if r.ready} - {victim.identity},
        "the replacement was seen",
    )
