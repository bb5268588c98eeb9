"""Keeping the shop after `teastorm up --detach` returned: a keeper process in its own session."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
import psutil

from teastorm.cli.errors import PRECONDITION, CommandError
from teastorm.platforms.local.state import state_dir

POLL_S = 0.05


def start(arguments: Sequence[str], timeout_s: float) -> dict[str, object]:
    """Run `teastorm up ARGUMENTS` as the keeper; gives what it printed once it was ready.

    `CommandError` with the keeper's own code and sentence when it did not get that far, and 3 where
    no state can be kept.
    """
    folder = state_dir()
    said = folder / "keeper.out"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        keeper = _launch(arguments, said, folder / "keeper.err")
    except OSError as error:
        sentence = f"{folder}: cannot keep state there ({error.strerror}); set TEASTORM_STATE_DIR"
        raise CommandError(PRECONDITION, sentence) from error
    try:
        # The keeper gives up by itself after timeout_s; the rest is for its tear-down.
        return _answer(keeper, said.read_bytes, until_s=time.monotonic() + timeout_s + 30.0)
    except BaseException:
        _end(keeper)
        raise


def _launch(arguments: Sequence[str], said: Path, complaints: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "teastorm.cli.main", "up", *arguments, "--json"]
    with said.open("wb") as output, complaints.open("wb") as errors:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )


def _answer(
    keeper: subprocess.Popen[bytes], read: Callable[[], bytes], *, until_s: float
) -> dict[str, object]:
    while time.monotonic() < until_s:
        ended = keeper.poll() is not None
        line = read()
        if line.endswith(b"\n"):
            content = orjson.loads(line.splitlines()[0])
            if content.get("schema") == "teastorm.error/1":
                raise CommandError(content["exit_code"], content["error"])
            return {key: value for key, value in content.items() if key != "schema"}
        if ended:
            raise CommandError(70, f"the keeper ended with {keeper.returncode} and no answer")
        time.sleep(POLL_S)
    raise CommandError(3, "the keeper did not answer in time")


def _end(keeper: subprocess.Popen[bytes]) -> None:
    try:
        process = psutil.Process(keeper.pid)
        process.terminate()
        process.wait(timeout=30)
    except psutil.Error:
        keeper.kill()
