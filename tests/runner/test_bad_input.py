"""Bad input: one sentence naming file, field and fix; exit 2; nothing started."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.runner.bad_files import BAD_FILES, arguments

from teastorm.cli.main import cli
from teastorm.platforms import select
from teastorm.runner import opening


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"platform {name} was opened")

    monkeypatch.setattr(select, "open_platform", refuse)
    monkeypatch.setattr(opening.Options.__dataclass_fields__["platform"], "default", refuse)
    monkeypatch.setenv("TEASTORM_STATE_DIR", str(tmp_path / "state"))


def _run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(cli, ["run", *words])
    return done.exit_code, done.stdout, done.stderr


def _one_sentence(stderr: str) -> bool:
    return "Traceback" not in stderr and len(stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_refused(case: str, broken, tmp_path: Path) -> None:
    edit, said = BAD_FILES[case]
    path = broken(edit)
    code, stdout, stderr = _run(str(path), "--runs-dir", str(tmp_path / "runs"))
    assert code == 2
    assert said in stderr
    assert str(tmp_path) in stderr
    assert _one_sentence(stderr)
    assert stdout == ""
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["overload-4x"], "no such experiment; did you mean 'overload-3x'?"),
        (["nowhere/at-all.yaml"], "nowhere/at-all.yaml: no such file"),
        (["overload-3x", "--factor", "-3"], "factor must be above 0, got -3"),
        (["overload-3x", "--factor", "nan"], "'--factor': nan is not a finite number"),
        (["overload-3x", "--duration", "0"], "fault_s must be above 0, got 0"),
        (["overload-3x", "--without", "admision"], "did you mean 'admission'?"),
        (["overload-3x", "--with", "codel", "--without", "codel"], "keep one of them"),
        (["overload-3x", "--arm", "half"], "'half' is not one of"),
        (["overload-3x", "--seed", "-1"], "--seed"),
        (["overload-3x", "--platform", "moon"], "'moon' is not one of"),
    ],
)
def test_a_bad_wish_is_refused(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    code, stdout, stderr = _run(*words)
    assert code == 2
    assert said in stderr
    assert _one_sentence(stderr)
    assert stdout == ""


def test_elsewhere_there_are_no_experiments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, stderr = _run("overload-3x")
    assert code == 2
    assert "experiments/: there are no experiments; run it where the repository is" in stderr
    assert _one_sentence(stderr)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("title: [", "is not YAML"),
        ("- a list", "must be a mapping"),
        ("", "must be a mapping"),
        ("title: x\n\xff", "title"),
        ("title: x\ntitle: y\n", "'title' is there twice"),
        ("title:\n\t- x\n", "is not YAML"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_experiment_is_refused(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(content, encoding="latin-1")
    code, _, stderr = _run(str(path))
    assert code == 2
    assert "odd.yaml" in stderr
    assert _one_sentence(stderr)
    assert said in stderr or "YAML" in stderr


def test_a_broken_curve_is_refused_before_anything_starts(broken) -> None:
    path = broken(lambda d: arguments(d, 0, curve="curve.csv"))
    path.with_name("curve.csv").write_text("minute,relative_rate\n0,0.1\n5,2\n")
    code, _, stderr = _run(str(path))
    assert code == 2
    assert "relative_rate must be between 0 and 1, got 2" in stderr
    assert _one_sentence(stderr)


def test_a_typo_in_the_objectives_is_refused(broken) -> None:
    path = broken(lambda _: None)
    slo = path.with_name("slo.yaml")
    slo.write_text(slo.read_text().replace("goodput-retention:", "goodput-retenton:"))
    code, _, stderr = _run(str(path))
    assert code == 2
    assert "slo.yaml" in stderr
    assert "goodput-retention" in stderr
    assert _one_sentence(stderr)


def test_json_says_it_too_and_only_that(broken) -> None:
    path = broken(lambda d: arguments(d, 0, factor=-3))
    code, stdout, _ = _run(str(path), "--json")
    said = json.loads(stdout)
    assert code == said["exit_code"] == 2
    assert "factor must be above 0" in said["error"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["load"], 2, "give one of --rate"),
        (["load", "--rate", "-1"], 2, "--rate must be above 0, got -1"),
        (["load", "--rate", "1e9"], 2, "--rate must be below 100000, got 1e+09"),
        (["load", "--factor", "0"], 2, "--factor must be above 0"),
        (["load", "--rate", "5", "--seconds", "-1"], 2, "--seconds must be above 0"),
        (["load", "--rate", "5"], 3, "no shop runs here; start one with `teastorm up`"),
        (["verify", "nowhere"], 2, "nowhere is no run folder"),
        (["report", "nowhere"], 2, "nowhere is no run folder"),
    ],
)
def test_other_commands_refuse_likewise(words: list[str], code: int, said: str) -> None:
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == code
    assert said in done.stderr
    assert _one_sentence(done.stderr)


def test_a_load_makes_nothing_for_a_shop_that_is_not_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["load", "--rate", "5", "--endpoints", str(tmp_path / "none"), "--out", str(out)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 2
    assert "no such endpoints file; is the shop up?" in done.stderr
    assert not out.exists()


def test_a_load_takes_no_runs_evidence(tmp_path: Path) -> None:
    endpoints = tmp_path / "endpoints.json"
    endpoints.write_text('{"gateway": ["127.0.0.1:9"]}')
    for name in ("run.json", "requests.parquet"):
        (tmp_path / name).write_text("kept")
    words = ["load", "--rate", "5", "--endpoints", str(endpoints), "--out", str(tmp_path)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 2
    assert "holds a run; name another folder" in done.stderr
    assert (tmp_path / "requests.parquet").read_text() == "kept"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"schema": "other/1"}'])
def test_a_corrupted_run_folder_is_refused(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_bytes(content)
    done = CliRunner().invoke(cli, ["verify", str(folder)])
    assert done.exit_code == 2
    assert "run.json" in done.stderr
    assert _one_sentence(done.stderr)
    assert not (folder / "result.json").exists()
