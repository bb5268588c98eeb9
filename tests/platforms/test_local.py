"""The local platform's own promises: sudden death, leftovers, locks, files and niceness."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from tests.platforms.conftest import STANDIN, until_real

from teastorm.platforms.base import PlatformError, ShopPlan
from teastorm.platforms.faults import FaultSpec
from teastorm.platforms.local.cleanup import remove_run, survey
from teastorm.platforms.local.http import call
from teastorm.platforms.local.platform import LocalPlatform
from teastorm.platforms.local.ports import PortPicker, is_free
from teastorm.platforms.local.process import is_same, start_time
from teastorm.platforms.local.state import (
    SCHEMA,
    CorruptStateError,
    MachineLock,
    ProcessNote,
    RunState,
    StateFile,
    state_dir,
)

ONE = ShopPlan(replicas={"gateway": 1})
RUNNER = """
import sys, threading
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.local.platform import LocalPlatform
platform = LocalPlatform()
platform.deploy(ShopPlan(replicas={"orders": 1, "gateway": 2}))
if "wait" in sys.argv:
    platform.wait_ready(20)
print("up", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def state_file(state_directory: Path) -> StateFile:
    return StateFile(state_directory)


@pytest.fixture
def runner(state_file: StateFile) -> Iterator["subprocess.Popen[str]"]:
    """A run under way in another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER, "wait"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
    finally:
        process.kill()
        process.wait()
        assert not remove_run(state_file)


def own_state(**changes: object) -> RunState:
    fields: dict[str, object] = {
        "runner_pid": os.getpid(),
        "runner_started_unix_s": start_time(os.getpid()),
        "work_dir": "/nowhere/teastorm-x",
        "endpoints_file": "/nowhere/teastorm-x/endpoints.json",
        "run_dir": None,
    }
    return RunState(**(fields | changes))  # type: ignore[arg-type] # some tests give wrong ones


def test_kill_9_of_the_runner_leaves_nothing_unknown(
    runner: "subprocess.Popen[str]", state_file: StateFile
) -> None:
    living = survey(state_file)
    assert living.runner_alive
    assert not living.leftovers
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    left = survey(state_file)
    assert left.leftovers
    assert sorted(f.note.replica_id for f in left.processes if f.note) == [
        "gateway-1",
        "gateway-2",
        "orders-1",
    ]
    assert left.state is not None
    assert Path(left.state.work_dir).is_dir()
    ports = [note.port for note in left.state.processes]
    with pytest.raises(PlatformError, match="teastorm down") as refused:
        LocalPlatform().deploy(ONE)
    assert refused.value.exit_code == 3
    assert not remove_run(state_file)
    assert survey(state_file).empty
    assert not Path(left.state.work_dir).exists()
    assert all(is_free(port) for port in ports)
    assert not [f for f in left.processes if is_same(f.pid, f.started_unix_s)]


def test_kill_9_while_it_starts_leaves_nothing_unknown(state_file: StateFile) -> None:
    process = subprocess.Popen([sys.executable, "-c", RUNNER], stdout=subprocess.DEVNULL)
    until_real(state_file.path.exists, "the first note is written")
    process.kill()
    process.wait()
    seen = survey(state_file, probe=False)
    assert seen.leftovers
    assert not remove_run(state_file)
    assert survey(state_file).empty


def test_two_runs_at_once_are_refused(
    runner: "subprocess.Popen[str]", state_file: StateFile
) -> None:
    with pytest.raises(PlatformError, match=f"pid {runner.pid}") as refused:
        LocalPlatform().deploy(ONE)
    assert refused.value.exit_code == 3
    assert survey(state_file).runner_alive


def test_down_ends_a_living_runner_too(
    runner: "subprocess.Popen[str]", state_file: StateFile
) -> None:
    assert not remove_run(state_file)
    assert runner.wait(timeout=10) != 0
    assert survey(state_file).empty


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema": "other/1"}',
        orjson.dumps({"schema": SCHEMA, "processes": [{}]}),
        orjson.dumps({"schema": SCHEMA, "processes": [], "runner_pid": 1}),
    ],
)
def test_a_corrupt_state_file_is_one_sentence_and_can_be_removed(
    state_file: StateFile, content: bytes
) -> None:
    state_file.directory.mkdir(parents=True)
    state_file.path.write_bytes(content)
    with pytest.raises(CorruptStateError, match="teastorm down") as error:
        state_file.read()
    assert error.value.exit_code == 3
    assert survey(state_file).corrupt is not None
    assert not remove_run(state_file)
    assert survey(state_file).empty


def test_processes_are_found_when_the_state_file_is_corrupt(
    runner: "subprocess.Popen[str]", state_file: StateFile
) -> None:
    runner.kill()
    runner.wait()
    state_file.path.write_bytes(b"garbage")
    assert len(survey(state_file).processes) == 3
    assert not remove_run(state_file)
    assert survey(state_file).empty


@pytest.mark.parametrize(
    "changes",
    [
        {"runner_pid": -1},
        {"work_dir": "relative"},
        {"processes": (ProcessNote(service="a", replica_id="a-1", port=0, admin_port=1),)},
    ],
)
def test_a_state_that_could_harm_is_refused(
    state_file: StateFile, changes: dict[str, object]
) -> None:
    state_file.directory.mkdir(parents=True)
    state_file.write(own_state(**changes))
    with pytest.raises(CorruptStateError):
        state_file.read()


def test_a_process_with_another_start_time_is_never_ended(state_file: StateFile) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        began = start_time(bystander.pid)
        assert began is not None
        state_file.directory.mkdir(parents=True)
        note = ProcessNote(
            service="gateway",
            replica_id="gateway-1",
            port=1,
            admin_port=2,
            pid=bystander.pid,
            started_unix_s=began - 5.0,
        )
        state_file.write(own_state(processes=(note,), runner_started_unix_s=1.0))
        look = survey(state_file)
        assert not look.processes
        assert not look.runner_alive
        assert not remove_run(state_file)
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n", timeout=10)


def test_only_a_runs_own_folder_is_removed(state_file: StateFile, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    state_file.directory.mkdir(parents=True)
    state_file.write(own_state(work_dir=str(precious), runner_started_unix_s=1.0))
    left = remove_run(state_file)
    assert left.files == (str(precious),)
    assert precious.is_dir()


def test_a_stale_state_without_processes_is_tidied(
    state_file: StateFile, local: LocalPlatform
) -> None:
    state_file.directory.mkdir(parents=True)
    state_file.write(own_state(runner_started_unix_s=1.0))
    local.deploy(ONE)
    state = state_file.read()
    assert state is not None
    assert state.runner_started_unix_s > 1.0


def test_a_process_is_noted_before_it_starts(
    state_file: StateFile, local: LocalPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[RunState | None] = []

    def no_start(*_: object, **__: object) -> None:
        seen.append(state_file.read())
        raise PlatformError(3, "cannot start it")

    monkeypatch.setattr("teastorm.platforms.local.platform.launch", no_start)
    with pytest.raises(PlatformError, match="cannot start it"):
        local.deploy(ONE)
    assert seen[0] is not None
    assert [note.pid for note in seen[0].processes] == [None]
    assert survey(state_file).empty


def test_a_service_that_dies_as_it_starts_is_named_with_its_last_words(
    local: LocalPlatform, tmp_path: Path
) -> None:
    local.deploy(
        ShopPlan(
            replicas={"gateway": 1}, settings={"gateway": {"behaviour": "dies"}}, run_dir=tmp_path
        )
    )
    with pytest.raises(PlatformError, match="this service cannot start") as error:
        local.wait_ready(20)
    assert error.value.exit_code == 3
    assert str(tmp_path / "logs") in error.value.sentence


def test_a_service_that_is_never_ready_is_named(local: LocalPlatform) -> None:
    local.deploy(ShopPlan(replicas={"gateway": 1}, settings={"gateway": {"behaviour": "silent"}}))
    with pytest.raises(PlatformError, match=r"gateway \(0 of 1\)"):
        local.wait_ready(0.5)


def test_a_replica_deaf_to_sigterm_is_killed(state_directory: Path) -> None:
    platform = LocalPlatform(drain_s=0.3)
    platform.deploy(ShopPlan(replicas={"gateway": 1}, settings={"gateway": {"deaf": True}}))
    platform.wait_ready(20)
    (replica,) = platform.replicas()
    assert replica.pid is not None
    assert not platform.tear_down()
    assert not is_same(replica.pid, replica.started_unix_s)


def test_settings_files_hold_the_plan_and_hide_the_token(
    local: LocalPlatform, tmp_path: Path
) -> None:
    local.deploy(
        ShopPlan(
            replicas={"orders": 1},
            protections={"codel": False},
            seed=7,
            settings={"orders": {"stock": 5, "common": {"grace_s": 0.1}}},
            run_dir=tmp_path,
        )
    )
    shown = orjson.loads((tmp_path / "settings" / "orders.json").read_bytes())
    assert shown["common"]["admin_token"] is None
    assert shown["common"]["protections"] == {"codel": False}
    assert shown["common"]["seed"] == 7
    assert shown["common"]["grace_s"] == 0.1
    assert shown["stock"] == 5
    assert shown["dsn"].startswith("sqlite:///")
    private = local.endpoints_file.parent / "replicas" / "orders-1.json"
    content = orjson.loads(private.read_bytes())
    assert content["common"]["replica"] == "orders-1"
    assert len(content["common"]["admin_token"]) > 20
    assert private.stat().st_mode & 0o077 == 0


def test_faults_reach_the_admin_port_with_the_token(local: LocalPlatform) -> None:
    local.deploy(ONE)
    local.wait_ready(20)
    (replica,) = local.replicas()
    spec = FaultSpec(kind="latency", latency_s=0.25, share=0.5, duration_s=9.0)
    local.set_fault("gateway", spec)
    _, seen = call(replica.host, replica.admin_port, "GET", "/faults")
    assert orjson.loads(seen) == [spec.as_json()]
    status, _ = call(replica.host, replica.admin_port, "POST", "/faults", payload={})
    assert status == 401
    local.clear_faults("gateway")
    assert orjson.loads(call(replica.host, replica.admin_port, "GET", "/faults")[1]) == []


def test_replicas_yield_the_cpu(local: LocalPlatform) -> None:
    local.deploy(ShopPlan(replicas={"gateway": 1, "inference": 1}))
    local.wait_ready(20)
    nice = {
        replica.service: os.getpriority(os.PRIO_PROCESS, replica.pid or 0)
        for replica in local.replicas()
    }
    assert nice == {"gateway": 12, "inference": 17}


def test_the_default_command_is_the_shops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEASTORM_SHOP_ENTRY", raising=False)
    assert LocalPlatform()._entry == (sys.executable, "-m", "teashop.serving.run")
    assert LocalPlatform(entry=STANDIN)._entry == STANDIN


def test_state_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TEASTORM_STATE_DIR", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_dir() == tmp_path / "teastorm"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_dir() == tmp_path / ".local" / "state" / "teastorm"


def test_a_state_folder_that_cannot_be_written_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("TEASTORM_STATE_DIR", str(blocked))
    with pytest.raises(PlatformError, match="set TEASTORM_STATE_DIR"):
        LocalPlatform().deploy(ONE)


def test_the_lock_is_exclusive_and_released(state_file: StateFile) -> None:
    first, second = MachineLock(state_file), MachineLock(state_file)
    assert first.acquire()
    assert not second.acquire()
    first.release()
    first.release()
    assert second.acquire()
    second.release()


def test_ports_are_free_and_different() -> None:
    picker = PortPicker()
    ports = [picker.pick() for _ in range(20)]
    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)
