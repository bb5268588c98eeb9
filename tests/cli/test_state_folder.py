"""Where a machine's state is kept, and what happens when it cannot be kept there."""

import pwd
from pathlib import Path

import pytest
from click.testing import CliRunner

from teastorm.cli.main import cli
from teastorm.platforms.local.state import state_dir


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEASTORM_STATE_DIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)


def nobody(_uid: int) -> object:
    raise KeyError("no such user")


def test_a_relative_folder_is_made_absolute_and_a_relative_xdg_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", "here")
    assert state_dir() == tmp_path / "home/.local/state/teastorm"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_dir() == tmp_path / "xdg/teastorm"
    monkeypatch.setenv("TEASTORM_STATE_DIR", "state")
    assert state_dir() == tmp_path / "state"


@pytest.mark.parametrize("command", ["status", "down", "clean", "doctor"])
def test_a_user_without_a_home_is_told_what_to_set(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    result = CliRunner().invoke(cli, [command])
    assert result.exit_code == 3
    assert "this user has no home folder; set TEASTORM_STATE_DIR" in result.output
    assert "Traceback" not in result.output


def a_file(path: Path) -> None:
    path.write_text("")


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def a_folder_in_place_of_the_file(path: Path) -> None:
    (path / "local.json").mkdir(parents=True)


@pytest.mark.parametrize("made", [a_file, a_loop, a_folder_in_place_of_the_file])
@pytest.mark.parametrize(
    "command",
    [["status"], ["down"], ["clean"], ["load", "--rate", "5"], ["up"], ["up", "--detach"]],
)
def test_a_state_folder_that_is_none_is_a_precondition(
    command: list[str], made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made(tmp_path / "state")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEASTORM_STATE_DIR", str(tmp_path / "state"))
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 3, result.output
    assert str(tmp_path / "state") in result.stderr
    assert "internal error" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
