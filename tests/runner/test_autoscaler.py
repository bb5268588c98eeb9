"""A live autoscaler over a compressed day: replicas, events, and the lag of each."""

import threading

import pytest
from tests.runner.autoscaler_parts import CPU, HERE, manifest

from teastorm.autoscale.live import LiveScaler
from teastorm.observe.recorder import Latest
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.memory import InMemoryPlatform
from teastorm.runner.autoscaler import read_autoscaler
from teastorm.runner.live_shop import LiveShop
from teastorm.runner.scale_lag import scaled_out
from teastorm.runner.scaling import ScalerThread, event_of


class Run:
    """A platform in virtual time, and counters that a demand moves."""

    def __init__(self, directory, *, value, factor=10.0, startup_s=4.0):
        self.platform = InMemoryPlatform(directory)
        self.platform.deploy(ShopPlan(startup_s={"inference": startup_s}))
        self.platform.wait_ready(10)
        self.begun_s = self.platform.now_s
        self.rps = 40.0
        self.offered = 0.0
        self.cpu_s = 0.0
        self.plan = read_autoscaler(value, HERE, "extensions[0]")
        self.told = []
        self.live = LiveShop(
            platform=self.platform,
            plan=self.plan,
            latest=self.latest,
            now_s=self.now_s,
            factor=factor,
            replicas=2,
            cpu=lambda _replica: self.cpu_s,
        )
        self.scaler = LiveScaler(self.plan.live, self.live, self.told.append)

    def now_s(self):
        return self.platform.now_s - self.begun_s

    def latest(self, names):
        at_s = self.now_s()
        rows = [
            Latest("gateway", "gateway-1", "teashop_offered_total", labels, at_s, value)
            for labels, value in (
                ("criticality=sheddable_plus,route=chat", self.offered),
                ("criticality=critical,route=checkout", 9e9),
            )
        ]
        share = self.rps / 4 / len(self.platform.endpoints("inference"))
        for replica in self.platform.replicas("inference"):
            name = replica.replica_id
            rows.append(Latest("inference", name, "vllm:num_requests_running", "m=x", at_s, share))
            rows.append(Latest("inference", name, "vllm:num_requests_waiting", "m=x", at_s, 2.0))
        return [row for row in rows if row.name in names]

    def go(self, seconds):
        until_s = self.now_s() + seconds
        while self.now_s() < until_s:
            self.scaler.tick(self.now_s() * self.live.factor)
            self.platform.advance(0.05)
            self.offered += 0.05 * self.rps
            self.cpu_s += 0.05 * self.rps / 1000 / len(self.platform.endpoints("inference"))
        return self


IN_FLIGHT = {
    "type": "Pods",
    "pods": {
        "metric": {"name": "teashop_in_flight"},
        "target": {"type": "AverageValue", "averageValue": 10},
    },
}


@pytest.mark.parametrize(
    ("metric", "most"),
    [(None, 4), (IN_FLIGHT, 3), (CPU, 4)],
    ids=["offered", "in flight", "cpu"],
)
def test_replicas_follow_the_demand_on_a_compressed_day(metric, most, tmp_path):
    value = {"hpa": manifest(metric), "request_milli": 40}
    run = Run(tmp_path, value=value).go(8)
    assert len(run.platform.endpoints("inference")) == 2
    run.rps = 95.0
    run.go(10)  # 100 s of the day: metric 15 + 5, look 15, start 4 real seconds
    assert len(run.platform.endpoints("inference")) == most
    run.rps = 30.0
    run.go(40)  # and down again past the window of 300 s
    assert len(run.platform.endpoints("inference")) == 2


def test_planned_floors_count_from_the_crowds_phase(tmp_path):
    planned = [{"at_s": 20, "min_replicas": 9}, {"at_s": 100, "min_replicas": 0}]
    value = {"hpa": manifest(), "request_milli": 100, "planned": planned}
    run = Run(tmp_path, value=value)
    began = []
    run.live.load_began_s = lambda: began[0] if began else None
    run.go(6)
    assert run.live.wanted() == 2  # no crowd yet
    began.append(run.now_s())
    run.go(1.9)
    assert run.live.wanted() == 2
    run.go(2)
    assert run.live.wanted() == 4  # the maximum
    assert run.told[-1].desired == 4
    assert run.told[-1].lag is None  # it was not the metrics that asked
    run.go(45)
    assert run.live.wanted() == 2


def test_decisions_become_events_and_the_lag_is_split(tmp_path):
    run = Run(tmp_path, value={"hpa": manifest(), "request_milli": 100}).go(8)
    run.rps = 95.0
    run.go(12)
    rows = [
        {
            "t_s": each.at_s / 10 + run.begun_s,
            "kind": "autoscale",
            **event_of(each, "inference", 10),
        }
        for each in run.told
    ]
    raised = next(row for row in rows if row["desired"] > row["current"])
    assert raised["metrics"][0]["name"] == "teashop_offered_rps"
    assert raised["path"] == "normalized"
    assert set(raised["lag"]) == {"metric_s", "sync_s", "hold_s"}
    theirs = [dict(event.as_json()) for event in run.platform.events()]
    came = scaled_out([*theirs, *rows])
    assert len(came) == 2
    for row in came:
        assert row["service"] == "inference"
        assert row["lag"]["start_s"] == pytest.approx(4.0, abs=0.11)
        assert row["lag"]["warm_up_s"] == pytest.approx(0.5, abs=0.11)
        assert row["t_s"] - row["asked_s"] == pytest.approx(
            row["lag"]["start_s"] + row["lag"]["warm_up_s"]
        )


def test_a_replaced_replica_is_nobodys_decision():
    def event(t_s, kind, **fields):
        return {"t_s": t_s, "kind": kind, "service": "inference", **fields}

    lost = [
        event(0, "autoscale", current=2, desired=2),
        event(1, "replica_started", replica="a"),
        event(2, "replica_ready", replica="a"),
    ]
    assert scaled_out(lost) == []
    taken_back = [
        event(0, "autoscale", current=2, desired=4, lag={"metric_s": 1.0}),
        event(1, "autoscale", current=4, desired=3),
        event(2, "replica_started", replica="a"),
        event(3, "replica_started", replica="b"),
        event(4, "replica_ready", replica="b"),
        event(5, "replica_ready", replica="a"),
    ]
    assert [row["replica"] for row in scaled_out(taken_back)] == ["a"]


def test_the_thread_ends_when_told_to_and_outlives_a_failure(tmp_path):
    run = Run(tmp_path, value={"hpa": manifest(), "request_milli": 100})
    notes = []
    seen = threading.Event()

    def note(kind, **fields):
        notes.append((kind, fields))
        if len(notes) > 3:
            seen.set()

    run.live.latest = lambda names: (_ for _ in ()).throw(OSError("no page"))
    clock = iter(range(1000))
    thread = ScalerThread(run.plan, run.live, note=note, now_s=lambda: float(next(clock)))
    thread.start()
    assert seen.wait(10)
    thread.stop()
    thread.stop()
    assert {kind for kind, _ in notes} == {"autoscale_failed"}
    assert notes[0][1] == {"service": "inference", "why": "no page"}
