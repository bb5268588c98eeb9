"""`teastorm list`: what can be run, where, and with which protections."""

from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Teastorm

from teashop.serving.settings import Protections
from teastorm.runner.catalogue import catalogue
from teastorm.runner.experiment import read

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_every_experiment_is_listed_with_where_it_runs(teastorm: Teastorm) -> None:
    content = orjson.loads(teastorm("list", "--json").stdout)
    assert content["schema"] == "teastorm.list/1"
    assert content["protections"] == list(Protections.names())
    found = {row["name"]: row for row in content["experiments"]}
    assert set(found) == {path.stem for path in catalogue()}
    for name, row in found.items():
        experiment = read(Path(row["file"]))
        assert (row["title"], row["checks"]) == (experiment.title, list(experiment.checks)), name
        assert row["platform"] == experiment.platform
    assert found["node-drain"]["platform"] == "kubernetes"
    assert found["overload-3x"]["platform"] is None


def test_a_person_sees_what_needs_a_cluster(teastorm: Teastorm) -> None:
    shown = teastorm("list")
    assert shown.exit_code == 0
    lines = {line.split()[0]: line.split()[-1] for line in shown.stdout.splitlines() if line}
    assert lines["node-drain"] == "kubernetes"
    assert lines["overload-3x"] == "any"
    assert all(name in shown.stdout for name in Protections.names())


def test_a_folder_without_experiments_and_one_with_a_broken_one(
    teastorm: Teastorm, tmp_path: Path
) -> None:
    assert teastorm("list", "--dir", str(tmp_path)).stdout == f"no experiments in {tmp_path}\n"
    (tmp_path / "odd.yaml").write_text("title: [")
    broken = teastorm("list", "--dir", str(tmp_path))
    assert broken.exit_code == 2
    assert "odd.yaml: is not YAML" in broken.stderr
    assert broken.stderr.count("\n") == 1
