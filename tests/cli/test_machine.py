"""doctor and clean."""

import os
import re
import time
from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Teastorm


def make_run(folder: Path, name: str, age_s: float, mark: str = "run.json") -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / mark).write_text("{}")
    then = time.time() - age_s
    os.utime(path / mark, (then, then))
    return path


def test_doctor_is_versioned_and_names_what_it_looked_at(teastorm: Teastorm) -> None:
    content = orjson.loads(teastorm("doctor", "--json").stdout)
    assert content["schema"] == "teastorm.doctor/1"
    checks = {check["id"]: check for check in content["checks"]}
    assert {"python", "cores", "memory", "ports", "file_descriptors", "leftovers"} <= set(checks)
    assert checks["python"]["ok"]
    assert not checks["tool:kind"]["required"]
    required = [check["ok"] for check in content["checks"] if check["required"]]
    assert content["ok"] == all(required)
    targets = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    told = {word for check in checks.values() for word in re.findall(r"make (\w+)", check["fix"])}
    assert told
    assert all(f"\n{target}:" in targets for target in told)


def test_doctor_says_what_to_do(teastorm: Teastorm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teastorm.cli.machine.MIN_FILES", 10**9)
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 256))
    result = teastorm("doctor")
    assert result.exit_code == 3
    assert "ulimit -n 4096" in result.stdout


@pytest.mark.parametrize("mine", [True, False])
def test_doctor_tells_whether_idle_cores_can_be_kept_awake(
    teastorm: Teastorm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, mine: bool
) -> None:
    qos = tmp_path / "cpu_dma_latency"
    qos.touch()
    monkeypatch.setattr("teastorm.cli.machine.LATENCY_QOS", qos)
    monkeypatch.setattr("os.access", lambda *_: mine)
    content = orjson.loads(teastorm("doctor", "--json").stdout)
    (found,) = (c for c in content["checks"] if c["id"] == "idle_cores")
    assert (found["ok"], found["required"]) == (mine, False)
    assert f"chmod a+rw {qos}" in found["fix"]


def test_clean_removes_old_runs_only(teastorm: Teastorm, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    old = make_run(runs, "old", 3 * 86400)
    young = make_run(runs, "young", 3600)
    other = make_run(runs, "holiday-photos", 9 * 86400, mark="photo.jpg")
    (runs / "link").symlink_to(other)
    dry = teastorm("clean", "--runs", str(runs), "--keep", "2d", "--dry-run")
    assert f"would remove {old}" in dry.stdout
    assert old.exists()
    result = teastorm("clean", "--runs", str(runs), "--keep", "2d", "--json")
    content = orjson.loads(result.stdout)
    assert content["schema"] == "teastorm.clean/1"
    assert content["removed"] == [str(old)]
    assert content["kept"] == 1
    assert not old.exists()
    assert young.exists()
    assert other.exists()


def test_clean_without_runs(teastorm: Teastorm, tmp_path: Path) -> None:
    result = teastorm("clean", "--runs", str(tmp_path / "none"))
    assert result.exit_code == 0
    assert "removed 0 runs" in result.stdout


@pytest.mark.parametrize("keep", ["9" * 400 + "d", "-1d", "1w", "1.5d", "", "\uff11d"])
def test_an_age_that_is_none_is_refused(teastorm: Teastorm, keep: str) -> None:
    result = teastorm("clean", "--keep", keep)
    assert result.exit_code == 2
    assert "such as 7d" in result.stderr
    assert len(result.stderr) < 200
