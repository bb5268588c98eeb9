"""Lines of case files: what is read, and how what cannot be is named."""

import copy
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teastorm.autoscale.case_decode import CaseReader, NotJson
from teastorm.autoscale.case_lines import (
    OneCall,
    RecommendationSteps,
    SampleSteps,
    SeveralMetrics,
)
from teastorm.autoscale.fields import FieldError
from teastorm.autoscale.replay import LineError, replay

CASES = Path(__file__).parent / "cases"
FAMILIES = {"a": OneCall, "b": RecommendationSteps, "c": SampleSteps, "d": SeveralMetrics}


def lines_of(family):
    return (CASES / f"{family}.jsonl").read_bytes().splitlines()


def answer_to(line):
    ((_, answer),) = replay([line])
    return answer


def refusal(case):
    with pytest.raises(LineError) as caught:
        list(replay([case if isinstance(case, bytes) else orjson.dumps(case)]))
    return str(caught.value).removeprefix("line 1")


def test_each_line_is_of_its_own_family_whatever_came_before():
    reader = CaseReader()
    for one in FAMILIES:
        for other, kind in FAMILIES.items():
            reader.read(lines_of(one)[0])
            assert type(reader.read(lines_of(other)[0])) is kind


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", " is not JSON (it is empty)"),
        (b" \r\n", " is not JSON (it is empty)"),
        (b"{", " is not JSON (Input data was truncated)"),
        (b'{"id":"x"}}', " is not JSON (trailing characters (byte 11))"),
        (b"\xef\xbb\xbf{}", " is not JSON (it starts with a byte order mark, which has to go)"),
        (b'{"note":"\xff"}', " is not JSON (byte 9 is not UTF-8)"),
        (b'{"other":' + b"[" * 100_000, " is not JSON (it is nested too deeply)"),
        (b"[1]", ": the line: expected object, got array"),
        (b"3", ": the line: expected object, got int"),
        (b"{}", ": id is missing"),
    ],
)
def test_what_is_no_case_is_said_in_a_sentence(line, said):
    assert refusal(line) == said


@pytest.mark.parametrize(
    ("family", "place", "value", "said"),
    [
        ("a", ("id",), 3, ": id: expected str, got int"),
        ("a", ("function",), "guess", ": function: invalid enum value 'guess'"),
        ("a", ("target",), "60", ": target: expected int, got str"),
        ("a", ("target",), 2**63, ": target: expected int <= 9223372036854775807"),
        ("a", ("tolerance", "up"), -0.1, ": tolerance.up: expected float >= 0.0"),
        ("a", ("current_replicas",), 2**31, ": current_replicas: expected int <= 2147483647"),
        ("a", ("pods",), {}, ": pods: expected array | null, got object"),
        ("a", ("pods", 0, "name"), "", ": pods[0].name: expected str of length >= 1"),
        ("a", ("pods", 0, "phase"), "Gone", ": pods[0].phase: invalid enum value 'Gone'"),
        ("b", ("steps",), [], ": steps: expected array of length >= 1"),
        ("b", ("steps", 1, "current"), True, ": steps[1].current: expected int, got bool"),
        ("b", ("hpa", "maxReplicas"), 0, ": hpa.maxReplicas: expected int >= 1"),
        ("c", ("metric", "kind"), None, ": metric.kind: expected str, got null"),
        ("c", ("steps", 0, "pods", 0), 1, ": steps[0].pods[0]: expected object, got int"),
        ("d", ("metrics",), [], ": metrics: expected array of length >= 1"),
    ],
)
def test_the_field_that_is_wrong_is_named(family, place, value, said):
    case = next(c for c in map(orjson.loads, lines_of(family)) if reaches(c, place))
    *way, last = place
    inner = case
    for step in way:
        inner = inner[step]
    inner[last] = value
    assert refusal(case) == said


def reaches(case, place):
    for step in place:
        try:
            case = case[step]
        except LookupError:
            return False
    return True


@pytest.mark.parametrize(
    ("function", "taken", "said"),
    [
        ("resource_utilization", "resource", ": metrics[0].resource is missing"),
        ("object_value", "metric_value_milli", ": metrics[0].metric_value_milli is missing"),
        ("pods_average_value", None, ": metrics[0].pod_metrics[0].value_milli is missing"),
        ("object_value", "target", ": metrics[0].target is missing"),
    ],
)
def test_what_only_some_functions_need_is_missed(function, taken, said):
    case = orjson.loads(lines_of("d")[0])
    sample = {"pod": "a", "timestamp_s": -5, "window_s": 10}
    metric = {
        "function": function,
        "target": 100,
        "resource": "cpu",
        "metric_value_milli": 3,
        "pod_metrics": [sample],
    }
    metric.pop(taken, None)
    case["metrics"] = [metric]
    assert refusal(case) == said


def test_a_utilisation_has_32_bits():
    case = orjson.loads(lines_of("c")[0])
    case["metric"] |= {"kind": "cpu_utilization", "target": 2**31}
    assert refusal(case).startswith(": metric.target must be from -2147483648 to 2147483647")


def test_what_a_behaviour_gets_wrong_is_named_too():
    case = next(c for c in map(orjson.loads, lines_of("b")) if c["behavior_effective"])
    case["behavior_effective"]["scaleUp"]["policies"] = [{"type": "Pods", "value": 1}]
    where = "behavior_effective.scaleUp.policies[0].periodSeconds"
    assert refusal(case).startswith(f": {where} is missing")


odd = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "app", "True", "Pending", "Unknown", "Gone"])
    | st.lists(st.integers(0, 3), max_size=2)
    | st.dictionaries(st.sampled_from(["name", "status"]), st.integers(0, 3), max_size=1)
)


@given(st.sampled_from("abcd"), odd, st.booleans(), st.data())
def test_a_changed_line_is_answered_or_refused_by_name(family, value, drop, data):
    case = copy.deepcopy(orjson.loads(data.draw(st.sampled_from(lines_of(family)))))
    inner: object = case
    for _ in range(data.draw(st.integers(0, 5))):
        kids = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        kids = [kid for kid in kids if isinstance(inner[kid], dict | list) and inner[kid]]
        if not kids:
            break
        inner = inner[data.draw(st.sampled_from(kids))]
    keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
    key = data.draw(st.sampled_from(keys))
    if drop:
        del inner[key]
    else:
        inner[key] = value if not isinstance(value, int) else max(-(2**63), min(value, 2**64 - 1))
    try:
        answer = answer_to(orjson.dumps(case))
    except LineError as error:
        sentence = str(error)
        assert sentence.startswith("line 1")
        assert "\n" not in sentence
        assert "`" not in sentence
    else:
        assert answer["id"] == case["id"]


def test_null_is_not_there_and_other_keys_are_passed_over():
    case = orjson.loads(lines_of("a")[0])
    plain = answer_to(orjson.dumps(case))
    case |= {"metrics_api_error": None, "metrics": None, "other": {"deep": [1, 2]}}
    for pod in case["pods"]:
        pod |= {"init_containers": None, "pod_level_request_milli": None}
    assert answer_to(orjson.dumps(case)) == plain


def test_carriage_returns_are_white_space():
    line = lines_of("a")[0]
    assert answer_to(line + b"\r\n") == answer_to(line)


def test_sentences_are_of_field_errors():
    with pytest.raises(FieldError):
        CaseReader().read(b"{}")
    with pytest.raises(NotJson):
        CaseReader().read(b"{")
