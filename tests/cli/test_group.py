"""The group itself: quick help, and every error as one sentence with its exit code."""

import subprocess
import sys
from pathlib import Path

import click
import orjson
import pytest
from tests.cli.conftest import Teastorm

from teastorm.cli import main as group
from teastorm.cli.errors import CommandError, TerminatedError
from teastorm.platforms.base import PlatformError


def run_raising(
    teastorm: Teastorm, monkeypatch: pytest.MonkeyPatch, error: BaseException, *flags: str
) -> tuple[int, str, str]:
    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def doctor(*, as_json: bool) -> None:
        raise error

    monkeypatch.setattr("teastorm.cli.doctor.doctor", doctor)
    result = teastorm("doctor", *flags)
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(("word", "told"), [("--help", "doctor"), ("list", "overload-3x")])
def test_what_is_asked_first_imports_no_command_and_nothing_heavy(word: str, told: str) -> None:
    code = (
        "import sys; from teastorm.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'pyarrow', 'locust', 'gevent', 'rich', 'teastorm.cli.doctor', 'chaoslib', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, word], capture_output=True, text=True, check=True
    )
    assert done.stdout.rstrip().endswith("[]")
    assert told in done.stdout


def test_no_command_is_help(teastorm: Teastorm) -> None:
    result = teastorm()
    assert result.exit_code == 0
    assert "Commands:" in result.stdout


def test_a_group_without_a_command_is_help_too(teastorm: Teastorm) -> None:
    result = teastorm("hpa")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "replay" in result.stdout


def test_every_command_shown_can_be_loaded_and_speaks_json() -> None:
    context = click.Context(group.cli)
    names = group.cli.list_commands(context)
    assert {"doctor", "up", "down", "status", "clean"} <= set(names)
    for name in names:
        command = group.cli.get_command(context, name)
        assert command is not None
        # A group says nothing itself; each command in it has to.
        speaking = command.commands.values() if isinstance(command, click.Group) else [command]
        for one in speaking:
            options = {word for parameter in one.params for word in parameter.opts}
            assert "--json" in options, (name, one.name)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["stats"], "did you mean 'status'"),
        (["status", "--colour"], "--colour"),
        (["up", "--replicas", "kitchen=1"], "SERVICE=N"),
        (["up", "--without", "admision"], "no protection is called 'admision'"),
        (["up", "--with", "codel", "--without", "codel"], "both name 'codel'"),
        (["clean", "--keep", "3"], "such as 7d"),
    ],
)
def test_usage_errors_are_one_sentence_and_exit_2(
    teastorm: Teastorm, args: list[str], sentence: str
) -> None:
    result = teastorm(*args)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.startswith("teastorm: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PlatformError(3, "no docker"), 3),
        (CommandError(4, "too few samples"), 4),
        (KeyboardInterrupt(), 130),
        (TerminatedError(), 130),
    ],
)
def test_errors_keep_their_exit_code(
    teastorm: Teastorm, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    exit_code, _, stderr = run_raising(teastorm, monkeypatch, error)
    assert exit_code == code
    # click ends the terminal's ^C line with an empty one
    assert len(stderr.strip().splitlines()) == 1
    assert "Traceback" not in stderr


def test_an_unexpected_error_is_70_and_names_a_log(
    teastorm: Teastorm, monkeypatch: pytest.MonkeyPatch, state_directory: Path
) -> None:
    exit_code, _, stderr = run_raising(teastorm, monkeypatch, RuntimeError("surprise"))
    assert exit_code == 70
    (log,) = (state_directory / "errors").iterdir()
    assert str(log) in stderr
    assert "Traceback" not in stderr
    assert "surprise" in log.read_text()


def test_with_json_an_error_is_an_object(
    teastorm: Teastorm, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, stdout, _ = run_raising(teastorm, monkeypatch, CommandError(3, "no shop"), "--json")
    assert orjson.loads(stdout) == {
        "schema": "teastorm.error/1",
        "exit_code": 3,
        "error": "no shop",
    }
