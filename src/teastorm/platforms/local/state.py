"""What this machine remembers of a run, so that the run's sudden death leaves nothing unknown.

One state file names the runner, every process (pid and start time), its ports and its folders. It
is written before a process is started and again when its pid is known. One lock file is held by a
living runner; the kernel drops it when the runner dies, however it dies.
"""

import fcntl
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from teastorm.platforms.base import PlatformError
from teastorm.platforms.endpoints import write_atomically

SCHEMA = "teastorm.state/1"
OWNER_VARIABLE = "TEASTORM_OWNER_STATE"
"""Set in every process a run starts, to its state file's path: found even if the file is lost."""


@dataclass(frozen=True, kw_only=True)
class ProcessNote:
    """One process of a run. `pid` and `started_unix_s` are None until the process exists."""

    service: str
    replica_id: str
    port: int
    admin_port: int
    pid: int | None = None
    started_unix_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class RunState:
    """The state file's content. Folders are absolute paths; `work_dir` is removed at the end."""

    runner_pid: int
    runner_started_unix_s: float
    work_dir: str
    endpoints_file: str
    run_dir: str | None
    processes: tuple[ProcessNote, ...] = ()


class CorruptStateError(PlatformError):
    """The state file cannot be read; `teastorm down` can still clean up."""


def state_dir() -> Path:
    """`$TEASTORM_STATE_DIR`, or `$XDG_STATE_HOME/teastorm`, or `~/.local/state/teastorm`.

    A relative XDG_STATE_HOME is passed over, as its specification asks. PlatformError (3) for a
    user without a home, such as a container's arbitrary uid.
    """
    own = os.environ.get("TEASTORM_STATE_DIR")
    if own:
        return Path(own).absolute()
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    if base.is_absolute():
        return base / "teastorm"
    try:
        return Path.home().absolute() / ".local" / "state" / "teastorm"
    except RuntimeError as error:
        raise PlatformError(3, "this user has no home folder; set TEASTORM_STATE_DIR") from error


class StateFile:
    """Reads and writes the state of the local platform. One writer (who holds the lock)."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory if directory is not None else state_dir()
        self.path = self.directory / "local.json"
        self.lock_path = self.directory / "local.lock"

    def write(self, state: RunState) -> None:
        """Replace the file atomically; only its owner may read it."""
        content = {"schema": SCHEMA, **asdict(state)}
        write_atomically(self.path, orjson.dumps(content, option=orjson.OPT_INDENT_2), mode=0o600)

    def read(self) -> RunState | None:
        """The recorded run, or None; `CorruptStateError` (3) when the file is not what we write.

        `PlatformError` (3) when there is something that cannot be read at all.
        """
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PlatformError(
                3, f"{self.path}: cannot be read ({error.strerror}); set TEASTORM_STATE_DIR"
            ) from error
        try:
            return _parse(orjson.loads(raw))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CorruptStateError(
                3,
                f"{self.path}: not a readable state file ({error}); "
                "`teastorm down` ends what that run started and removes it",
            ) from error

    def remove(self) -> None:
        """Forget the run."""
        self.path.unlink(missing_ok=True)


def _parse(content: object) -> RunState:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(f"schema is not {SCHEMA}")
    fields = {name: value for name, value in content.items() if name != "schema"}
    notes = tuple(ProcessNote(**note) for note in fields.pop("processes"))
    state = RunState(**fields, processes=notes)
    numbers: Sequence[object] = [state.runner_pid, *(note.port for note in notes)]
    numbers = [*numbers, *(note.pid for note in notes if note.pid is not None)]
    if not all(isinstance(number, int) and number > 0 for number in numbers):
        raise ValueError("a pid or a port is not a number above 0")
    if not Path(state.work_dir).is_absolute():
        raise ValueError("work_dir is not an absolute path")
    return state


class MachineLock:
    """One run on one machine: an flock that dies with its holder (fds are not inherited)."""

    def __init__(self, state_file: StateFile) -> None:
        self._path = state_file.lock_path
        self._handle: int | None = None

    def acquire(self) -> bool:
        """Take the lock without waiting; False when another living process holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def release(self) -> None:
        """Let it go; harmless when not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
