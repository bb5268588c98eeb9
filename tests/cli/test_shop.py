"""up, status and down with real processes (a stand-in serves): foreground, detached, killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil
import pytest
from tests.cli.conftest import Teastorm
from tests.waiting import until

SMALL = ("--replicas", "1", "--replicas", "inference=0")
COMMAND = (sys.executable, "-m", "teastorm.cli.main")


@pytest.fixture
def foreground(state_directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """`teastorm up --json`, ready."""
    process = subprocess.Popen(
        [*COMMAND, "up", *SMALL, "--json"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        content = orjson.loads(process.stdout.readline())
        assert content["schema"] == "teastorm.up/1"
        assert len(content["endpoints"]["gateway"]) == 1
        yield process
    finally:
        process.kill()
        process.communicate()


def status(teastorm: Teastorm) -> dict[str, object]:
    content: dict[str, object] = orjson.loads(teastorm("status", "--json").stdout)
    assert content["schema"] == "teastorm.status/1"
    return content


def test_nothing_runs(teastorm: Teastorm) -> None:
    assert status(teastorm)["state"] == "nothing"
    assert teastorm("status").stdout == "nothing runs and nothing was left\n"
    assert teastorm("down").stdout == "nothing was running\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_cleanly_when_told(
    teastorm: Teastorm, foreground: "subprocess.Popen[str]", number: int
) -> None:
    os.kill(foreground.pid, number)
    assert foreground.wait(timeout=20) == 0
    assert status(teastorm)["state"] == "nothing"


def test_status_shows_the_replicas(teastorm: Teastorm, foreground: "subprocess.Popen[str]") -> None:
    content = status(teastorm)
    assert content["state"] == "running"
    replicas = content["replicas"]
    assert isinstance(replicas, list)
    assert sorted(r["replica"] for r in replicas) == ["dispatch-1", "gateway-1", "orders-1"]
    assert all(r["ready"] for r in replicas)
    shown = teastorm("status")
    assert shown.exit_code == 0
    assert f"kept by pid {foreground.pid}" in shown.stdout
    assert "gateway-1" in shown.stdout


def test_a_second_up_is_refused(teastorm: Teastorm, foreground: "subprocess.Popen[str]") -> None:
    result = teastorm("up", *SMALL)
    assert result.exit_code == 3
    assert f"another teastorm run holds this machine (pid {foreground.pid})" in result.stderr


def test_after_kill_9_status_tells_and_down_removes(
    teastorm: Teastorm, foreground: "subprocess.Popen[str]"
) -> None:
    foreground.kill()
    foreground.wait()
    result = teastorm("status")
    assert result.exit_code == 3
    assert "`teastorm down` removes them" in result.stdout
    content = status(teastorm)
    files = content["files"]
    assert isinstance(files, list)
    assert files
    assert all(f"left: {path}\n" in result.stdout for path in files)
    assert content["state"] == "leftovers"
    replicas = content["replicas"]
    assert isinstance(replicas, list)
    assert len(replicas) == 3
    doctor = teastorm("doctor", "--json")
    assert doctor.exit_code == 3
    down = teastorm("down", "--json")
    assert down.exit_code == 0
    said = orjson.loads(down.stdout)
    assert said["schema"] == "teastorm.down/1"
    assert len(said["ended"]) == 3
    assert said["leftovers"] == {"processes": [], "files": [], "ports": []}
    assert not any(psutil.pid_exists(r["pid"]) and _running(r["pid"]) for r in replicas)
    assert status(teastorm)["state"] == "nothing"


def _running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_detached_stays_until_down(teastorm: Teastorm, tmp_path: Path) -> None:
    up = teastorm("up", *SMALL, "--detach", "--logs", str(tmp_path / "kept"), "--json")
    assert up.exit_code == 0, up.stderr
    assert len(orjson.loads(up.stdout)["endpoints"]["gateway"]) == 1
    assert status(teastorm)["state"] == "running"
    assert teastorm("down").exit_code == 0
    until(lambda: status(teastorm)["state"] == "nothing", "down removed it")
    assert (tmp_path / "kept" / "logs" / "gateway-1.log").exists()


def test_a_detached_shop_that_cannot_start_says_why(
    teastorm: Teastorm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEASTORM_SHOP_ENTRY", f"{sys.executable} -c 'raise SystemExit(9)'")
    up = teastorm("up", *SMALL, "--detach")
    assert up.exit_code == 3
    assert "ends as it starts" in up.stderr
    assert status(teastorm)["state"] == "nothing"


def test_corrupt_state(teastorm: Teastorm, state_directory: Path) -> None:
    state_directory.mkdir()
    (state_directory / "local.json").write_text("{")
    result = teastorm("status")
    assert result.exit_code == 3
    assert "not a readable state file" in result.stdout
    assert teastorm("down").exit_code == 0
    assert status(teastorm)["state"] == "nothing"
