"""Looks at a cluster's HPA, without the cluster: what is read, what is kept, when it is calm."""

import dataclasses

import numpy as np
import pytest
import yaml
from tests.tune.api_answers import HPA, SAMPLES, T0, answers, pod

from teastorm.autoscale.pods import Status
from teastorm.platforms.kubernetes.errors import Unreachable
from teastorm.tune.errors import SourceUnreachable
from teastorm.tune.hpa_look import duration_s, manifest_of, parse_look
from teastorm.tune.hpa_recorder import HpaRecorder
from teastorm.tune.on_cluster import _await_calm, _is_calm


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
