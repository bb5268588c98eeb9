"""A verification on a cluster, without the cluster: what it asks for, and what it makes of a record."""

import dataclasses

import numpy as np
import pytest
import yaml
from tests.simulate.test_live import row

from teastorm.autoscale.pods import Status
from teastorm.load.draw import draw
from teastorm.load.records import to_table, write_requests
from teastorm.platforms.kubernetes.errors import Unreachable
from teastorm.simulate.demand import Demand
from teastorm.tune.errors import SourceUnreachable, TuneInvalid
from teastorm.tune.hpa_lags import lag_parts
from teastorm.tune.hpa_record import HpaRecord
from teastorm.tune.hpa_recorder import HpaRecorder, duration_s, manifest_of, parse_look
from teastorm.tune.on_cluster import _await_calm, _is_calm
from teastorm.tune.session import Wish, tune
from teastorm.tune.setting import Metric
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space
from teastorm.tune.verify_cluster import (
    ClusterVerified,
    compare,
    plan_of,
    values_of,
    verify_on_cluster,
)

T0 = 1_770_000_000.0
STAMP = "2026-02-02T02:40:00Z"
"""T0 as the API server writes it."""


def pod(name, *, ready=True, deleting=False):
    meta = {"name": name} | ({"deletionTimestamp": STAMP} if deleting else {})
    return {
        "metadata": meta,
        "spec": {"containers": [{"name": "inference", "resources": {"requests": {"cpu": "80m"}}}]},
        "status": {
            "phase": "Running",
            "startTime": STAMP,
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": str(ready), "lastTransitionTime": STAMP},
            ],
        },
    }


HPA = {
    "metadata": {"name": "teashop-inference", "namespace": "teashop", "uid": "u", "labels": {}},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"},
        "minReplicas": 2,
        "maxReplicas": 4,
        "metrics": [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": "inference",
                    "target": {"type": "Utilization", "averageUtilization": 60},
                },
            }
        ],
    },
    "status": {
        "desiredReplicas": 3,
        "currentReplicas": 2,
        "currentMetrics": [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "current": {"averageUtilization": 71, "averageValue": "57m"},
                },
            }
        ],
    },
}
SAMPLES = {
    "items": [
        {
            "metadata": {"name": "a"},
            "timestamp": STAMP,
            "window": "10.25s",
            "containers": [
                {"name": "inference", "usage": {"cpu": "56789123n", "memory": "1Ki"}},
                {"name": "other", "usage": {"cpu": "1"}},
            ],
        },
        {"metadata": {"name": "b"}, "timestamp": STAMP, "window": "10s", "containers": []},
    ]
}


def answers(**changes):
    return {
        "hpa": HPA,
        "scale": {"spec": {"replicas": 3}},
        "pods": {"items": [pod("a"), pod("b", ready=False), pod("c", deleting=True)]},
        "samples": SAMPLES,
        "container": "inference",
        "at_s": T0 + 3,
    } | changes


def test_a_look_is_what_the_api_server_says():
    look = parse_look(**answers())
    assert (look.wanted, look.desired, look.current, look.floor) == (3, 3, 2, 2)
    assert (look.percent, look.average_milli) == (71, 57)
    assert look.ready == 1
    assert [p.ready.status for p in look.pods] == [Status.TRUE, Status.FALSE, Status.TRUE]
    assert look.pods[0].containers[0].request_milli == 80
    # As the controller reads it: nanocores rounded up to thousandths.
    assert look.samples == {"a": (57, T0, 10.25)}


def test_a_new_hpa_and_a_pending_pod_are_looked_at_too():
    bare = {"metadata": {"name": "p"}, "spec": {"containers": []}}
    look = parse_look(**answers(hpa={"spec": {}}, pods={"items": [bare]}, samples={}))
    assert (look.percent, look.desired, look.floor) == (None, 0, 1)
    assert (look.ready, look.pods[0].ready, look.pods[0].phase.value) == (0, None, "Pending")


def test_the_manifest_is_kept_without_book_keeping():
    kept = yaml.safe_load(manifest_of(HPA))
    assert set(kept) == {"apiVersion", "kind", "metadata", "spec"}
    assert kept["metadata"] == {"name": "teashop-inference", "namespace": "teashop"}


@pytest.mark.parametrize(("text", "seconds"), [("10.5s", 10.5), ("1m2s", 62), ("900ms", 0.9)])
def test_durations(text, seconds):
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "3x", "1s 2s"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is no duration"):
        duration_s(text)


class Server:
    """Answers by path; every third look fails."""

    def __init__(self):
        self.asked = 0

    def get(self, path, **query):
        self.asked += 1
        if self.asked in {5, 6}:
            raise Unreachable("context fake: gone")
        if "metrics.k8s.io" in path:
            return SAMPLES
        if path.endswith("/pods"):
            assert "component=inference" in query["labelSelector"]
            return {"items": [pod("a")]}
        return {"spec": {"replicas": 1}} if path.endswith("/scale") else HPA


def test_the_recorder_goes_on_after_an_answer_that_did_not_come(monkeypatch):
    monkeypatch.setattr("teastorm.tune.hpa_recorder.PERIOD_S", 0.001)
    ticks = iter(np.arange(T0, T0 + 1e6))
    recorder = HpaRecorder(
        Server(), namespace="n", release="r", service="inference", clock=lambda: float(next(ticks))
    )
    recorder.start()
    try:
        for _ in range(10_000):
            if len(recorder.taken(T0)) >= 4:
                break
            recorder._over.wait(0.005)
    finally:
        recorder.stop()
    looks = recorder.taken(T0)
    assert recorder.failed == 2
    assert [look.at_s for look in looks[:4]] == [0, 1, 2, 3]
    assert looks[0].samples["a"].timestamp_s == 0
    assert looks[0].pods[0].start_s == 0


def look(at_s, **changes):
    base = parse_look(**answers(at_s=T0 + at_s))
    return dataclasses.replace(base, at_s=at_s, **changes)


def test_calm_is_what_it_says():
    calm = look(0, wanted=1, desired=1)
    assert _is_calm(calm, 1)
    assert not _is_calm(dataclasses.replace(calm, percent=None), 1)
    assert not _is_calm(dataclasses.replace(calm, desired=2), 1)
    assert not _is_calm(calm, 2)


def test_an_hpa_that_never_gets_a_metric_is_a_precondition(monkeypatch):
    monkeypatch.setattr("teastorm.tune.on_cluster.CALM_WITHIN_S", 0.0)

    class Never:
        def taken(self, _zero_s):
            return (look(0, percent=None),)

    with pytest.raises(SourceUnreachable, match=r"not calm at 1 within 0 s .3 wanted, metric None"):
        _await_calm(Never(), 1, lambda _text: None)


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def session(shortened, kept):
    if "session" not in kept:
        wish = Wish(
            service=shortened,
            slo=Slo(good=0.01),
            space=Space(metrics=(Metric.CPU,), fewest=1, most=3),
            trials=2,
            seeds=1,
            factor=1.0,
        )
        kept["session"] = tune(wish, lambda _text: None)
    return kept["session"]


def test_the_load_is_the_demand_in_as_many_seconds(session):
    plan = plan_of(session, None)
    assert plan.seconds == session.service.scenario.demand.seconds
    longer = plan_of(session, 600.0)
    assert longer.seconds == 600
    steps = longer.segments()
    assert max(s.end_s - s.start_s for s in steps) == pytest.approx(15.0)
    assert max(s.rps for s in steps) == pytest.approx(40.0, rel=0.02)
    assert steps[0].rps == pytest.approx(6.0, rel=0.2)


def test_a_demand_of_days_has_to_be_shortened(session):
    demand = Demand.constant(5.0, 9 * 3600.0)
    scenario = dataclasses.replace(session.service.scenario, demand=demand)
    service = dataclasses.replace(session.service, scenario=scenario)
    with pytest.raises(TuneInvalid, match=r"lasts 9\.0 hours; say in how many minutes"):
        plan_of(dataclasses.replace(session, service=service), None)


def test_the_values_are_the_choice_and_a_request_that_fits_the_mock(session):
    burn_share, text = values_of(session.values, session.service)
    content = yaml.safe_load(text)["inference"]
    assert content["autoscaling"] == yaml.safe_load(session.values)["inference"]["autoscaling"]
    # 16 answers a second cost 19m; the mock burns the rest of 80m, of which a full one shows 98 %.
    assert burn_share == pytest.approx(0.0608, abs=1e-4)
    assert content["resources"]["requests"]["cpu"] == "82m"


def test_nothing_chosen_is_nothing_to_verify(session, tmp_path):
    choice = dataclasses.replace(session.choice, chosen=None)
    with pytest.raises(TuneInvalid, match="nothing to verify"):
        verify_on_cluster(
            dataclasses.replace(session, choice=choice), tmp_path, None,
            seconds=None, seeds=[1], told=print,
        )  # fmt: skip


def made_up(session) -> HpaRecord:
    """Two replicas from 20 s on, told at 18 s; a sample each 10 s, had 3 s later."""
    plan = plan_of(session, None)
    looks = []
    for at_s in range(int(plan.seconds)):
        end_s = float((at_s - 3) // 10 * 10)
        names = ["a", "b"] if at_s >= 20 else ["a"]
        base = parse_look(**answers(pods={"items": [pod(name) for name in names]}))
        looks.append(
            dataclasses.replace(
                base,
                at_s=float(at_s),
                wanted=2 if at_s >= 18 else 1,
                samples={"a": base.samples["a"]._replace(timestamp_s=end_s, window_s=10.0)},
            )
        )
    return HpaRecord(
        hpa=manifest_of(HPA),
        plan=plan,
        seed=1,
        model=session.service.model,
        replicas={"gateway": 2},
        looks=tuple(looks),
    )


def test_the_parts_of_the_lag_are_read_off(session):
    parts = lag_parts(made_up(session))
    assert parts["start"] == 2.0
    assert parts["metric"] == pytest.approx(8.0)  # half of ten, and three
    assert parts["sync"] == pytest.approx(5.0)  # had at 13, told at 18


def test_predicted_stands_beside_measured(session, tmp_path):
    record = made_up(session)
    chats = [a for a in draw(record.plan, 1).arrivals if a.klass == "chat"]
    rows = [row(a.intended_s, 0.5 if n % 4 else 5.0) for n, a in enumerate(chats)]
    write_requests(tmp_path / "requests.parquet", to_table(rows))
    scenario = dataclasses.replace(
        session.service.scenario,
        scaling=session.choice.chosen.setting.scaling(session.service),
    )
    found = compare(record, tmp_path, scenario, (1, 2))
    figures = {figure.name: figure for figure in found.figures}
    assert figures["misses"].measured == pytest.approx(0.25, abs=0.01)
    assert figures["p99 of good answers"].measured == pytest.approx(0.5)
    assert figures["changes"].measured == 1
    assert figures["lag: start"].predicted.mean == scenario.inference.startup_s
    assert figures["ready pod-seconds"].measured == sum(found.measured)
    assert 0 <= found.within_one <= 1
    told = ClusterVerified(verified=found, check=None, why="no cpu").as_json()
    assert (told["check"], told["why"]) == (None, "no cpu")


def test_a_load_without_a_good_answer_is_a_precondition(session, tmp_path):
    write_requests(tmp_path / "requests.parquet", to_table([row(1.0, 9.0)]))
    scenario = session.service.scenario
    with pytest.raises(SourceUnreachable, match="was answered well"):
        compare(made_up(session), tmp_path, scenario, (1,))
