from pathlib import Path

import orjson
import pytest

from teastorm.cli.main import cli

CASES = Path(__file__).parent / "cases"


@pytest.fixture
def teastorm(capfdbinary):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main([str(each) for each in arguments])
        out, err = capfdbinary.readouterr()
        return ended.value.code, out, err.decode()

    return run


@pytest.mark.parametrize("family", ["a", "b", "c", "d"])
def test_one_answer_a_line_in_order(family, teastorm):
    path = CASES / f"{family}.jsonl"
    code, out, err = teastorm("hpa", "replay", path, "--json")
    assert (code, err) == (0, "")
    asked = [orjson.loads(line)["id"] for line in path.read_bytes().splitlines()]
    assert [orjson.loads(line)["id"] for line in out.splitlines()] == asked


def test_a_malformed_line_ends_it_before_any_answer(teastorm, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_bytes((CASES / "a.jsonl").read_bytes() + b'{"id": 3}\n')
    number = len(path.read_bytes().splitlines())
    code, out, err = teastorm("hpa", "replay", path, "--json")
    assert code == 2
    assert err == f"teastorm: {path}: line {number}: id: expected str, got int\n"
    assert orjson.loads(out)["exit_code"] == 2


def test_a_file_that_is_not_there(teastorm, tmp_path):
    code, _, err = teastorm("hpa", "replay", tmp_path / "none.jsonl")
    assert code == 2
    assert "cannot be read (No such file or directory)" in err


@pytest.mark.parametrize("content", [b"", b"\n"], ids=["no line", "an empty line"])
def test_a_file_without_a_case_is_no_answer(content, teastorm, tmp_path):
    path = tmp_path / "none.jsonl"
    path.write_bytes(content)
    code, _, err = teastorm("hpa", "replay", path)
    assert code == 2
    assert str(path) in err
    assert err.count("\n") == 1


def test_a_folder_is_no_file(teastorm, tmp_path):
    code, _, err = teastorm("hpa", "replay", tmp_path)
    assert code == 2
    assert err == f"teastorm: {tmp_path}: cannot be read (Is a directory)\n"


def test_people_are_told_what_differs(teastorm, tmp_path):
    lines = (CASES / "d.jsonl").read_bytes().splitlines(keepends=True)
    case = orjson.loads(lines[0])
    case["expect"]["recommendation"] = 99
    path = tmp_path / "changed.jsonl"
    path.write_bytes(orjson.dumps(case) + b"\n" + b"".join(lines[1:]))
    code, out, _ = teastorm("hpa", "replay", path)
    text = out.decode()
    assert code == 1
    assert case["id"] in text
    assert "recommendation" in text
    assert f"{len(lines)} cases answered, 1 differ" in text


def test_no_difference_is_success(teastorm):
    code, out, _ = teastorm("hpa", "replay", CASES / "b.jsonl")
    assert code == 0
    assert b" 0 differ" in out


def test_a_simulation_names_the_unknown_field_of_its_manifest(teastorm, tmp_path):
    path = tmp_path / "hpa.yaml"
    path.write_text(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\n"
        "spec:\n  scaleTargetRef: {kind: Deployment, name: x}\n  maxReplica: 3\n"
    )
    code, out, err = teastorm("simulate", "--orders", "100", "--hpa", path)
    assert (code, out) == (2, b"")
    said = "spec.maxReplica is not a known field; did you mean 'maxReplicas'?"
    assert err == f"teastorm: {path}: {said}\n"
