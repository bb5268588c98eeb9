"""Equality with what Kubernetes' own code answered."""

from pathlib import Path

import pytest

from teastorm.autoscale.compare import difference
from teastorm.autoscale.replay import LineError, replay

COMMITTED = sorted((Path(__file__).parent / "cases").glob("*.jsonl"))
SHARED = Path(__file__).parents[3] / "shared" / "hpa-cases"


def differing(path):
    with path.open("rb") as lines:
        answered = list(replay(lines))
    assert answered
    found = ((answer["id"], difference(case, answer)) for case, answer in answered)
    return [(name, where) for name, where in found if where is not None]


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_every_committed_case_is_equal(path):
    assert differing(path) == []


def test_every_family_is_committed():
    assert [path.stem for path in COMMITTED] == ["a", "b", "c", "d"]


def test_every_shared_case_is_equal():
    if not SHARED.is_dir():
        pytest.skip("the shared cases are not beside this checkout")
    files = sorted(SHARED.glob("*.jsonl"))
    assert files
    assert {path.name: differing(path) for path in files} == {path.name: [] for path in files}


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_the_comparison_sees_a_changed_answer(path):
    with path.open("rb") as lines:
        case, answer = next(replay(lines))
    if "steps" in answer:
        answer["steps"][-1]["desired"] += 1
        assert difference(case, answer) == f"steps[{len(answer['steps']) - 1}].desired"
    else:
        answer["direction"] = "sideways"
        assert difference(case, answer) == "direction"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"{", "line 2 is not JSON"),
        (b"", "line 2 is not JSON"),
        (b"[1]", "line 2: the line must be an object"),
        (b"{}", "line 2: id is missing; it must be a string"),
        (b'{"id":"x","function":"guess"}', "line 2: function must be one of resource_util"),
        (b'{"id":"x","metrics":[],"tolerance":0.1}', "line 2: cpu_initialization_period_s is mis"),
        (b'{"id":"x"}', "line 2: hpa is missing; it must be an object"),
        (
            b'{"id":"x","hpa":{"maxReplicas":3.5},"controller":{"downscale_stabilization_s":0}}',
            "line 2: hpa.maxReplicas must be a whole number",
        ),
        (
            (
                b'{"id":"x","hpa":{"maxReplicas":4294967296},'
                b'"controller":{"downscale_stabilization_s":0}}'
            ),
            "line 2: hpa.maxReplicas must be from -2147483648 to 2147483647, got 4294967296",
        ),
        (
            (
                b'{"id":"x","hpa":{"maxReplicas":3},"controller":{"downscale_stabilization_s":0},'
                b'"steps":[{"t":0,"current":true}]}'
            ),
            "line 2: steps[0].current must be a whole number",
        ),
    ],
)
def test_a_malformed_line_is_named(line, sentence):
    with COMMITTED[0].open("rb") as good:
        first = good.readline()
    with pytest.raises(LineError) as caught:
        list(replay([first, line]))
    assert str(caught.value).startswith(sentence)
