"""Bad input: one sentence naming file, field and fix; exit 2; nothing started."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

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


def _arguments(document: dict, index: int, **values: object) -> None:
    document["method"][index]["provider"].setdefault("arguments", {}).update(values)


def _extension(document: dict, **values: object) -> None:
    document["extensions"][0].update(values)


def _loss_of(document: dict, service: str) -> None:
    provider = document["method"][2]["provider"]
    provider["func"] = "lose_replica"
    provider["arguments"] = {"service": service}


BAD_FILES: dict[str, tuple[Callable[[dict], object], str]] = {
    "negative rate": (
        lambda d: _arguments(d, 0, factor=-3),
        "method[0].provider.arguments.factor must be above 0, got -3",
    ),
    "words for a number": (
        lambda d: _arguments(d, 0, factor="much"),
        "method[0].provider.arguments.factor must be a number, got 'much'",
    ),
    "no duration": (
        lambda d: _arguments(d, 0, fault_s=0),
        "method[0].provider.arguments.fault_s must be above 0, got 0",
    ),
    "misspelt argument": (
        lambda d: _arguments(d, 0, factr=3),
        "method[0].provider.arguments.factr is not an argument of begin_load",
    ),
    "unknown service": (
        lambda d: _loss_of(d, "gatway"),
        "arguments.service must be a service, got 'gatway'; did you mean 'gateway'?",
    ),
    "missing curve": (
        lambda d: _arguments(d, 0, curve="demand/other-day.csv"),
        "demand/other-day.csv does not exist",
    ),
    "unknown check": (
        lambda d: _extension(d, checks=["goodput-retenton"]),
        "checks[0]: 'goodput-retenton' is no check; did you mean 'goodput-retention'?",
    ),
    "no checks": (lambda d: _extension(d, checks=[]), "extensions[0].checks must be a list"),
    "check twice": (
        lambda d: _extension(d, checks=["fairness", "fairness"]),
        "extensions[0].checks[1]: 'fairness' is there twice",
    ),
    "missing objectives": (
        lambda d: _extension(d, slo="other.yaml"),
        "other.yaml does not exist; name the objectives' file",
    ),
    "misspelt override": (
        lambda d: _extension(d, overrides={"fairnes": {"limit": 0.5}}),
        "fairness",
    ),
    "misspelt extension field": (
        lambda d: _extension(d, replica={"orders": 2}),
        "extensions[0].replica is not known; did you mean 'replicas'?",
    ),
    "replicas of nothing": (
        lambda d: _extension(d, replicas={"oders": 2}),
        "extensions[0].replicas.oders is no service; did you mean 'orders'?",
    ),
    "no replica": (
        lambda d: _extension(d, replicas={"orders": 0}),
        "extensions[0].replicas.orders must be at least 1, got 0",
    ),
    "settings of nothing": (
        lambda d: _extension(d, settings={"kitchen": {}}),
        "extensions[0].settings.kitchen is no service",
    ),
    "negative start-up": (
        lambda d: _extension(d, startup_s={"orders": -1}),
        "extensions[0].startup_s.orders must be at least 0, got -1",
    ),
    "unknown protection": (
        lambda d: _extension(d, without=["admision"]),
        "extensions[0].without: 'admision' is no protection; did you mean 'admission'?",
    ),
    "no load": (lambda d: d["method"].pop(0), "method must begin the load once"),
    "no extension": (lambda d: d.pop("extensions"), "extensions must hold one named teastorm"),
    "no control": (lambda d: d.pop("controls"), "controls must hold the one of teastorm.chaos"),
    "no baseline": (lambda d: d["method"].pop(1), "a probe whose name begins with baseline"),
    "misspelt section": (
        lambda d: d.update(rollback=d.pop("rollbacks")),
        "rollback is not known; did you mean 'rollbacks'?",
    ),
    "protections as words": (
        lambda d: _extension(d, without="codel"),
        "extensions[0].without must be a list of protections, got 'codel'",
    ),
    "replicas as a number": (
        lambda d: _extension(d, replicas=3),
        "extensions[0].replicas must be a mapping, got 3",
    ),
    "settings as a list": (
        lambda d: _extension(d, settings=["fast"]),
        "extensions[0].settings must be a mapping, got ['fast']",
    ),
    "load as a number": (
        lambda d: _extension(d, load=3),
        "extensions[0].load must be a mapping, got 3",
    ),
    "a city of replicas": (
        lambda d: _extension(d, replicas={"orders": 5000}),
        "extensions[0].replicas.orders must be at most 64, got 5000",
    ),
    "a number beyond floats": (
        lambda d: _arguments(d, 0, factor=10**400),
        "method[0].provider.arguments.factor must be a number",
    ),
    "no title": (lambda d: d.pop("title"), "title is missing"),
    "unknown function": (
        lambda d: d["method"][1]["provider"].update(func="baseline_was_steady"),
        "does not expose a function called 'baseline_was_steady'",
    ),
    "unknown module": (
        lambda d: d["method"][1]["provider"].update(module="teastorm.chaos.prods"),
        "could not find Python module 'teastorm.chaos.prods'",
    ),
}


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
    path = broken(lambda d: _arguments(d, 0, curve="curve.csv"))
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
    path = broken(lambda d: _arguments(d, 0, factor=-3))
    code, stdout, _ = _run(str(path), "--json")
    said = json.loads(stdout)
    assert code == said["exit_code"] == 2
    assert "factor must be above 0" in said["error"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["load"], 2, "give one of --rate"),
        (["load", "--rate", "-1"], 2, "--rate must be above 0, got -1"),
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
