"""The quick way of reading pods and samples says what the careful one says."""

import copy
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teastorm.autoscale import case_pods
from teastorm.autoscale.case_pods import read_pods, read_samples
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.metrics import PodValue
from teastorm.autoscale.pods import Container

POD = {
    "name": "a",
    "phase": "Running",
    "deleting": False,
    "start_s": -60,
    "ready": {"status": "True", "last_transition_s": -50.5},
    "containers": [
        {"name": "app", "request_milli": 250},
        {"name": "log", "request_milli": None},
    ],
}
SAMPLE = {
    "pod": "a",
    "timestamp_s": -9,
    "window_s": 10,
    "containers": [{"name": "app", "usage_milli": 7}, {"name": "log", "usage_milli": 3}],
}
COMMITTED = sorted((Path(__file__).parent / "cases").glob("*.jsonl"))

odd = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "app", "True", "Pending", "Unknown", "Failed", "Gone"])
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.sampled_from(["name", "status"]), st.integers(), max_size=1)
)


def outcome(read):
    try:
        return read()
    except FieldError as error:
        return str(error)


def changed(whole, where, what, value):
    """A copy with one field set to `value`, or taken away, or added."""
    content = copy.deepcopy(whole)
    place = content
    for step in where[:-1]:
        place = place[step]
    if what == "drop" and isinstance(place, dict):
        place.pop(where[-1], None)
    else:
        place[where[-1]] = value
    return content


PLACES = [
    *((key,) for key in (*POD, "init_containers", "pod_level_request_milli", "other")),
    *(("ready", key) for key in POD["ready"]),
    ("containers", 0),
    *(("containers", 1, key) for key in POD["containers"][1]),
]


@given(st.sampled_from(PLACES), st.sampled_from(["set", "drop"]), odd)
def test_a_changed_pod_is_read_or_refused_alike(where, what, value):
    raw = changed(POD, where, what, value)
    quick = outcome(lambda: read_pods(Fields({"pods": [POD, raw]}, "steps[3]"))[1])
    careful = outcome(lambda: case_pods._pod(Fields(raw, "steps[3].pods[1]")))
    assert quick == careful


SAMPLE_PLACES = [
    *((key,) for key in SAMPLE),
    ("containers", 0),
    *(("containers", 1, key) for key in SAMPLE["containers"][1]),
]


@given(st.sampled_from(SAMPLE_PLACES), st.sampled_from(["set", "drop"]), odd, st.sampled_from("al"))
def test_a_changed_sample_is_read_or_refused_alike(where, what, value, letter):
    container = {"a": "", "l": "log"}[letter]
    raw = changed(SAMPLE, where, what, value)

    def careful():
        pod, at_s, window_s, usages = case_pods._sample(Fields(raw, "pod_metrics[0]"))
        milli = case_pods.sample_value(usages, container)
        return {} if milli is None else {pod: PodValue(milli, at_s, window_s)}

    def quick():
        return read_samples(Fields({"pod_metrics": [raw]}), container)

    assert outcome(quick) == outcome(careful)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_the_committed_pods_are_read_alike(path):
    seen = 0
    for line in path.read_bytes().splitlines():
        case = orjson.loads(line)
        for step in case.get("steps", [case]):
            pods = step.get("pods") or []
            assert read_pods(Fields(step)) == [case_pods._pod(Fields(raw)) for raw in pods]
            seen += len(pods)
    assert seen or path.stem == "b"


def test_the_usual_pod_needs_no_second_look(monkeypatch):
    monkeypatch.setattr(case_pods, "_pod", None)
    monkeypatch.setattr(case_pods, "_sample", None)
    assert [pod.name for pod in read_pods(Fields({"pods": [POD, POD]}))] == ["a", "a"]
    assert read_samples(Fields({"pod_metrics": [SAMPLE]}), "") == {"a": PodValue(10, -9, 10)}


def test_sidecars_count_and_other_init_containers_do_not():
    sidecar = {"name": "proxy", "request_milli": 5, "restart_always": True}
    setup = {"name": "setup", "request_milli": 900}
    raw = POD | {"init_containers": [setup, sidecar], "containers": POD["containers"][:1]}
    assert read_pods(Fields({"pods": [raw]}))[0].containers == (
        Container("app", 250),
        Container("proxy", 5),
    )


def test_a_list_without_samples_is_told_from_samples_without_a_value():
    unknown = SAMPLE | {"containers": []}
    assert read_samples(Fields({}), "") is None
    assert read_samples(Fields({"pod_metrics": [unknown]}), "log") == {}
