"""The state file, its lock and its folder: what a run writes down, and what of it is believed."""

from pathlib import Path

import orjson
import pytest
from tests.platforms.local_parts import ONE, own_state

from teastorm.platforms.base import PlatformError
from teastorm.platforms.local.cleanup import remove_run, survey
from teastorm.platforms.local.platform import LocalPlatform
from teastorm.platforms.local.state import (
    SCHEMA,
    CorruptStateError,
    MachineLock,
    ProcessNote,
    StateFile,
    state_dir,
)


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
