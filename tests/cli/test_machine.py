"""doctor and clean."""

import os
import re
import time
from pathlib import Path

import orjson
import pytest
from tests.cli.conftest import Teastorm

from teastorm.cli import machine
from teastorm.cli.allowance import Allowance, allowance
from teastorm.runner.folder import RunFolder

ROOT = Path(__file__).parents[2]


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


def test_what_doctor_says_to_make_can_be_made() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    fixes = [finding.fix for finding in machine.look()]
    named = {word for fix in fixes for word in re.findall(r"\bmake ([a-z0-9-]+)", fix)}
    assert named
    assert named <= targets


@pytest.mark.parametrize(
    ("cores", "memory_bytes", "wrong"),
    [(1.5, None, "cores"), (None, 300_000_000, "memory"), (64.0, 2**50, None)],
)
def test_doctor_tells_of_a_containers_part_of_the_machine(
    teastorm: Teastorm,
    monkeypatch: pytest.MonkeyPatch,
    cores: float | None,
    memory_bytes: int | None,
    wrong: str | None,
) -> None:
    monkeypatch.setattr(
        machine, "allowance", lambda: Allowance(cores=cores, memory_bytes=memory_bytes)
    )
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr(machine, "MIN_MEMORY_MB", 301)
    checks = {c["id"]: c for c in orjson.loads(teastorm("doctor", "--json").stdout)["checks"]}
    assert {name for name in ("cores", "memory") if not checks[name]["ok"]} == {wrong} - {None}
    assert checks["cores"]["value"] == ("1.5 of 8 allowed" if cores == 1.5 else "8")


def test_the_narrowest_bound_above_a_process_counts(tmp_path: Path) -> None:
    mine = tmp_path / "cgroup"
    mine.write_text("0::/user/job\n")
    root = tmp_path / "fs"
    inner = root / "user" / "job"
    inner.mkdir(parents=True)
    (inner / "cpu.max").write_text("max 100000\n")
    (inner.parent / "cpu.max").write_text("150000 100000\n")
    (inner / "memory.max").write_text("1000\n")
    (inner / "memory.current").write_text("900\n")
    (inner / "memory.stat").write_text("anon 700\ninactive_file 150\n")
    (inner.parent / "memory.max").write_text("max\n")
    assert allowance(root, mine) == Allowance(cores=1.5, memory_bytes=250)


def test_without_bounds_the_machine_is_the_bound(tmp_path: Path) -> None:
    assert allowance(tmp_path, tmp_path / "none") == Allowance(cores=None, memory_bytes=None)
    (tmp_path / "cpu.max").write_text("odd")
    (tmp_path / "memory.max").write_text("9")
    assert allowance(tmp_path, tmp_path / "none") == Allowance(cores=None, memory_bytes=None)


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


def test_clean_removes_what_a_run_left_that_never_began(teastorm: Teastorm, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    made = RunFolder.create(runs, "overload-3x", "protected", 1).path
    again = RunFolder.create(runs, "overload-3x", "protected", 1).path
    own = [runs / "20261126T000000Z-notes", runs / "drafts-protected-1"]
    for folder in own:
        folder.mkdir()
    (made / "logs").mkdir()
    assert made.name != again.name
    then = time.time() - 9 * 86400
    for folder in (made, again, *own):
        os.utime(folder, (then, then))
    content = orjson.loads(teastorm("clean", "--runs", str(runs), "--json").stdout)
    assert set(content["removed"]) == {str(made), str(again)}
    assert all(folder.exists() for folder in own)


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
