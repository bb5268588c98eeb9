"""The order of a driven load: deploy, wait for calm, offer, raise what was planned, take down."""

import threading

import pytest
from tests.tune.api_answers import HPA, SAMPLES, pod

from teastorm.autoscale.planned import Planned
from teastorm.load.plan import LoadPlan, Phase
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.simulate.models import InferenceModel
from teastorm.tune import on_cluster
from teastorm.tune.hpa_record_file import read
from teastorm.tune.on_cluster import Drive, drive


class Cluster:
    """The API server and the platform in one; says what was asked of it, in order."""

    ready_within_s = 180.0
    door_file = "door.json"

    def __init__(self):
        self.done = []
        self.floor = 1
        self.looked = threading.Semaphore(0)

    def get(self, path, **_query):
        if "metrics.k8s.io" in path:
            return SAMPLES
        if path.endswith("/pods"):
            return {"items": [pod("a")]}
        if path.endswith("/scale"):
            return {"spec": {"replicas": 1}}
        self.looked.release()  # the HPA is what a look reads last
        status = HPA["status"] | {"desiredReplicas": 1, "currentReplicas": 1}
        return HPA | {"spec": HPA["spec"] | {"minReplicas": self.floor}, "status": status}

    def patch(self, _path, body, *, kind):
        assert kind == "application/merge-patch+json"
        self.floor = body["spec"]["minReplicas"]
        self.done.append(f"floor {self.floor}")

    def deploy(self, plan):
        self.plan = plan
        self.done.append("deploy")

    def wait_ready(self, timeout_s):
        self.done.append(f"ready within {timeout_s:.0f}")

    def tear_down(self):
        self.done.append("down")


class Clock:
    """Time goes on by being asked for, and by sleeping, which lets a look or two be taken."""

    def __init__(self, cluster):
        self.now_s = 1000.0
        self.lock = threading.Lock()
        self.cluster = cluster

    def time(self):
        with self.lock:
            self.now_s += 0.001
            return self.now_s

    monotonic = time

    def sleep(self, seconds):
        with self.lock:
            self.now_s += seconds
        for _ in range(2):
            assert self.cluster.looked.acquire(timeout=60)


class Load:
    load_start_s = 0.0

    def __init__(self, cluster, clock, seconds):
        self.cluster = cluster
        self.clock = clock
        self.end_s = clock.time() + seconds
        cluster.done.append("load")

    @property
    def running(self):
        return self.clock.time() < self.end_s

    def wait(self, _timeout_s):
        self.cluster.done.append("log")

    def stop(self):
        self.cluster.done.append("stop")


@pytest.fixture
def clock(cluster, monkeypatch):
    made = Clock(cluster)
    monkeypatch.setattr(on_cluster, "time", made)
    return made


@pytest.fixture
def cluster(monkeypatch):
    made = Cluster()
    monkeypatch.setattr(on_cluster, "KubernetesPlatform", lambda _settings: made)
    monkeypatch.setattr(on_cluster, "connect", lambda _settings: made)
    monkeypatch.setattr(on_cluster, "CALM_LOOKS", 1)
    monkeypatch.setattr("teastorm.tune.hpa_recorder.PERIOD_S", 0.001)
    return made


def wish(**changes):
    plan = LoadPlan(
        capacity_rps=5.0, phases=(Phase(name="all", seconds=100.0, factor=1.0, fault=True),)
    )
    usual = {
        "settings": ClusterSettings(context="fake"),
        "plan": plan,
        "seed": 3,
        "model": InferenceModel(max_num_seqs=4),
        "burn_share": 0.05,
        "startup_s": 7.0,
        "protections": {"codel": False},
        "planned": [Planned(at_s=30, min_replicas=3), Planned(at_s=60, min_replicas=0)],
    }
    return Drive(**(usual | changes))


def test_a_load_is_driven_and_recorded(cluster, clock, monkeypatch, tmp_path):
    monkeypatch.setattr(on_cluster, "start_load", lambda **_: Load(cluster, clock, 120.0))
    said = []
    record = drive(wish(), tmp_path, said.append)
    assert cluster.done == [
        "deploy", "ready within 194", "load", "floor 3", "floor 1", "log", "stop", "down",
    ]  # fmt: skip
    plan = cluster.plan
    assert plan.replicas == {"gateway": 2, "orders": 1, "dispatch": 1, "inference": 1}
    assert plan.settings["inference"]["max_num_seqs"] == 4
    assert plan.settings["inference"]["burn_share"] == 0.05
    assert plan.startup_s == {"inference": 7.0}
    assert plan.protections == {"codel": False}
    # The floors are of the run, not of the HPA.
    assert record.manifest.spec.min_replicas == 1
    assert {look.floor for look in record.looks} == {1, 3}
    again = read(tmp_path / "hpa-record.json")
    assert (again.seed, again.plan, dict(again.protections)) == (3, wish().plan, {"codel": False})
    assert "the HPA is calm at 1" in said


def test_a_load_that_ends_too_soon_is_no_record(cluster, clock, monkeypatch, tmp_path):
    monkeypatch.setattr(on_cluster, "start_load", lambda **_: Load(cluster, clock, 0.0))
    with pytest.raises(Exception, match="ended before its time"):
        drive(wish(), tmp_path, lambda _text: None)
    assert cluster.done[-2:] == ["stop", "down"]
    assert not (tmp_path / "hpa-record.json").exists()
