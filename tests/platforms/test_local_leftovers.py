"""What a run on this machine leaves when it dies, and who may end it: never anything unknown."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.platforms.local_parts import ONE, own_state
from tests.waiting import until as until_real

from teastorm.platforms.base import PlatformError
from teastorm.platforms.local.cleanup import remove_run, survey
from teastorm.platforms.local.platform import LocalPlatform
from teastorm.platforms.local.ports import is_free
from teastorm.platforms.local.process import is_same, start_time
from teastorm.platforms.local.state import (
    ProcessNote,
    RunState,
    StateFile,
)

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


def test_processes_are_found_when_the_state_file_is_corrupt(
    runner: "subprocess.Popen[str]", state_file: StateFile
) -> None:
    runner.kill()
    runner.wait()
    state_file.path.write_bytes(b"garbage")
    assert len(survey(state_file).processes) == 3
    assert not remove_run(state_file)
    assert survey(state_file).empty


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

    monkeypatch.setattr("teastorm.platforms.local.starter.launch", no_start)
    with pytest.raises(PlatformError, match="cannot start it"):
        local.deploy(ONE)
    assert seen[0] is not None
    assert [note.pid for note in seen[0].processes] == [None]
    assert survey(state_file).empty
