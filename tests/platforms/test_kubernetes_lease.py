"""One run at a time in a namespace, and what becomes of one whose lease is taken."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.platforms.fake_cluster import FakeCluster, Refusal
from tests.platforms.kubernetes_parts import (
    LEASE,
    NAMESPACE,
    ONE,
    OURS,
    PAIR,
    lease_of,
    refused,
)
from tests.waiting import until as until_real

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes import lease as leases
from teastorm.platforms.kubernetes import occupancy
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.holder import Holder
from teastorm.platforms.kubernetes.kubeconfig import connect
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.survey import survey


def test_a_second_run_is_refused_and_disturbs_nothing(
    cluster: FakeCluster, kubernetes: KubernetesPlatform, cluster_settings: ClusterSettings
):
    kubernetes.deploy(PAIR)
    kubernetes.wait_ready(20)
    second = KubernetesPlatform(cluster_settings)
    error = refused(second)
    assert error.exit_code == 3
    assert "another run holds namespace teashop" in error.sentence
    assert str(os.getpid()) in error.sentence
    assert not second.tear_down()
    assert len(kubernetes.endpoints("gateway")) == 2
    assert survey(connect(cluster_settings), cluster_settings).state == "running"


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("age_s", [0, 29, 31])
def test_a_lease_from_elsewhere_holds_for_its_whole_duration(age_s: int):
    now = datetime.now(UTC)
    found = occupancy.living_holder(lease_of("other/1/x", now - timedelta(seconds=age_s)), now)
    assert found == ("other/1/x" if age_s <= 30 else None)


def process_here(pid: int, started_s: float) -> str:
    made = Holder.of_this_process()
    return str(replace(made, pid=pid, started_ms=round(started_s * 1000)))


def test_a_lease_of_a_process_of_this_machine_holds_as_long_as_that_lives():
    now = datetime.now(UTC)
    mine = str(Holder.of_this_process())
    dead = process_here(dead_pid(), time.time())
    # A pid that was given out again is another process, however lately the lease was renewed.
    reused = process_here(os.getpid(), time.time() - 5000)
    for silent_s in (0, 3000):
        renewed = now - timedelta(seconds=silent_s)
        assert occupancy.living_holder(lease_of(mine, renewed), now) == mine
        assert occupancy.living_holder(lease_of(dead, renewed), now) is None
        assert occupancy.living_holder(lease_of(reused, renewed), now) is None


def test_a_process_of_another_pid_namespace_is_not_looked_up_here():
    """Two containers of one host name: this machine's process table says nothing of the other."""
    now = datetime.now(UTC)
    elsewhere = str(replace(Holder.of_this_process(), place="another", pid=dead_pid()))
    assert occupancy.living_holder(lease_of(elsewhere, now), now) == elsewhere


@given(
    host=st.from_regex(r"[a-z0-9-]+(\.[a-z0-9-]+)*", fullmatch=True),
    pid=st.integers(1, 2**22),
    started_ms=st.integers(0, 2**45),
)
def test_a_holder_is_read_as_it_was_written(host: str, pid: int, started_ms: int):
    made = Holder(host=host, pid=pid, place="0a1b", started_ms=started_ms, token="ff")
    assert Holder.parse(str(made)) == made


@pytest.mark.parametrize("text", ["", "other", "other/1/x", "other/x/a.1.b", "other/1/a.x.b"])
def test_what_is_no_holder_of_ours_is_nobody_here(text: str):
    assert Holder.parse(text) is None


class Elsewhere:
    """A run on a machine whose clock is off, seen by one whose waiting moves a clock of its own."""

    def __init__(self, cluster: FakeCluster, offset_s: float, *, lives: bool) -> None:
        self.cluster, self.offset_s, self.lives = cluster, offset_s, lives
        self.now_s = 0.0
        cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
        self.renew()

    def renew(self) -> None:
        theirs = datetime.now(UTC) + timedelta(seconds=self.offset_s + self.now_s)
        self.cluster.put(LEASE, lease_of("other/1/x", theirs))

    def wait(self, seconds: float) -> None:
        before, self.now_s = self.now_s, self.now_s + seconds
        if self.lives and self.now_s // leases.RENEW_S > before // leases.RENEW_S:
            self.renew()

    def contender(self, api: Api) -> leases.RunLease:
        return leases.RunLease(api, "teashop", clock=lambda: self.now_s, wait=self.wait)


@pytest.mark.parametrize("offset_s", [-3600.0, -40.0, 0.0, 40.0, 3600.0])
def test_a_living_run_elsewhere_is_never_taken_over_whatever_its_clock_says(
    cluster: FakeCluster, cluster_settings: ClusterSettings, offset_s: float
):
    there = Elsewhere(cluster, offset_s, lives=True)
    with pytest.raises(PlatformError, match="another run holds namespace teashop"):
        there.contender(connect(cluster_settings)).acquire()
    assert cluster.objects[LEASE]["spec"]["holderIdentity"] == "other/1/x"
    assert there.now_s <= 2 * leases.RENEW_S  # told as soon as it was seen to be renewed


@pytest.mark.parametrize("offset_s", [-3600.0, 3600.0])
def test_a_run_that_died_elsewhere_is_followed_after_its_lease_whatever_its_clock_said(
    cluster: FakeCluster, cluster_settings: ClusterSettings, offset_s: float
):
    there = Elsewhere(cluster, offset_s, lives=False)
    mine = there.contender(connect(cluster_settings))
    mine.acquire()
    assert cluster.objects[LEASE]["spec"]["holderIdentity"] == mine.holder
    assert leases.DURATION_S <= there.now_s <= leases.DURATION_S + occupancy.LOOK_S
    mine.release()


def test_of_two_that_would_follow_one_does(cluster: FakeCluster, cluster_settings: ClusterSettings):
    there = Elsewhere(cluster, -3600.0, lives=False)
    late = there.contender(connect(cluster_settings))

    def quicker(method: str, path: str) -> bool:
        return method == "PUT" and path == LEASE

    cluster.fail.append((quicker, Refusal(409, "the object has been modified")))
    with pytest.raises(PlatformError, match="another run that was quicker"):
        late.acquire()


def test_what_a_run_that_lost_its_lease_unawares_would_put_back_is_left_alone(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    """Cut off from the server for longer than its lease, and not told before it tears down."""
    platform = KubernetesPlatform(cluster_settings)
    platform.deploy(ONE)
    platform.wait_ready(20)
    cluster.put(LEASE, lease_of("other/1/x", datetime.now(UTC)))
    assert "another run took it over" in platform.tear_down().files[0]
    assert cluster.releases["teashop/teashop"]
    assert cluster.objects[LEASE]["spec"]["holderIdentity"] == "other/1/x"


def test_a_run_whose_lease_was_taken_removes_nothing(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    api = connect(cluster_settings)
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    mine = leases.RunLease(api, "teashop", renew_s=0.05)
    mine.acquire()
    cluster.put(LEASE, lease_of("other/1/x", datetime.now(UTC)))
    until_real(lambda: mine.lost, "it noticed")
    mine.release()
    assert cluster.objects[LEASE]["spec"]["holderIdentity"] == "other/1/x"


def test_the_lease_is_renewed_while_it_is_held(
    cluster: FakeCluster, cluster_settings: ClusterSettings
):
    cluster.put(NAMESPACE, {"kind": "Namespace", "metadata": {"labels": OURS}})
    lease = leases.RunLease(connect(cluster_settings), "teashop", renew_s=0.02)
    lease.acquire()
    first = cluster.objects[LEASE]["spec"]["renewTime"]
    until_real(lambda: cluster.objects[LEASE]["spec"]["renewTime"] > first, "it was renewed")
    lease.release()
    assert LEASE not in cluster.objects
