"""Equality with what Kubernetes' own code answered."""

from pathlib import Path

import orjson
import pytest

from teastorm.autoscale.compare import difference
from teastorm.autoscale.replay import LineError, replay

COMMITTED = sorted((Path(__file__).parent / "cases").glob("*.jsonl"))
WIDE = sorted((Path(__file__).parent / "wide").glob("*.jsonl"))
SHARED = Path(__file__).parents[3] / "shared" / "hpa-cases"


def differing(path):
    with path.open("rb") as lines:
        answered = list(replay(lines))
    assert answered
    found = ((answer["id"], difference(orjson.loads(line), answer)) for line, answer in answered)
    return [(name, where) for name, where in found if where is not None]


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_every_committed_case_is_equal(path):
    assert differing(path) == []


@pytest.mark.parametrize("path", WIDE, ids=lambda path: path.stem)
def test_every_wide_case_is_equal(path):
    assert differing(path) == []


@pytest.mark.parametrize("paths", [COMMITTED, WIDE], ids=["usual", "wide"])
def test_every_family_is_committed(paths):
    assert [path.stem for path in paths] == ["a", "b", "c", "d"]


def test_every_shared_case_is_equal():
    if not SHARED.is_dir():
        pytest.skip("the shared cases are not beside this checkout")
    files = sorted(SHARED.glob("*.jsonl"))
    assert files
    assert {path.name: differing(path) for path in files} == {path.name: [] for path in files}


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_the_comparison_sees_a_changed_answer(path):
    with path.open("rb") as lines:
        line, answer = next(replay(lines))
    case = orjson.loads(line)
    if "steps" in answer:
        answer["steps"][-1]["desired"] += 1
        assert difference(case, answer) == f"steps[{len(answer['steps']) - 1}].desired"
    else:
        answer["direction"] = "sideways"
        assert difference(case, answer) == "direction"


def test_a_malformed_line_is_named_by_its_number():
    with COMMITTED[0].open("rb") as good:
        first = good.readline()
    with pytest.raises(LineError, match=r"^line 2 is not JSON") as caught:
        list(replay([first, b"{"]))
    assert "\n" not in str(caught.value)
