"""What an earlier run left on this machine, and how to remove it."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from teastorm.platforms.base import Leftovers, PlatformError
from teastorm.platforms.local.http import Unreachable, call
from teastorm.platforms.local.ports import is_free
from teastorm.platforms.local.process import end_all, is_same, owned_by, start_time
from teastorm.platforms.local.state import (
    OWNER_VARIABLE,
    CorruptStateError,
    MachineLock,
    ProcessNote,
    RunState,
    StateFile,
)

# Where a capacity is measured: a run folder that nobody asked to keep (runner/capacity.py).
MEASURING_PREFIX = "teastorm-capacity-"
RUNNER_GRACE_S = 40.0
PROCESS_GRACE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Found:
    """One living process of a run: its note (None: not in the state file) and identity."""

    pid: int
    started_unix_s: float
    note: ProcessNote | None
    ready: bool


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What there is now. `runner_alive` False with processes or files: leftovers."""

    state: RunState | None
    corrupt: str | None
    runner_alive: bool
    processes: tuple[Found, ...]
    files: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Nothing runs and nothing was left."""
        return not (self.state or self.corrupt or self.processes or self.files)

    @property
    def leftovers(self) -> bool:
        """A run ended without cleaning up."""
        return not self.empty and not self.runner_alive


def survey(state_file: StateFile, *, probe: bool = True) -> Survey:
    """Look, change nothing. `probe` asks each process whether it is ready (1 s at most each)."""
    corrupt = None
    state = None
    try:
        state = state_file.read()
    except CorruptStateError as error:
        corrupt = error.sentence
    notes = {} if state is None else {n.pid: n for n in state.processes if n.pid is not None}
    found = [
        Found(
            pid=pid,
            started_unix_s=started,
            note=notes.get(pid),
            ready=probe and _ready(notes.get(pid)),
        )
        for pid, started in _living(state_file, state)
    ]
    runner_alive = state is not None and is_same(state.runner_pid, state.runner_started_unix_s)
    files = [path for path in _files(state_file, state) if path.exists()]
    return Survey(
        state=state,
        corrupt=corrupt,
        runner_alive=runner_alive,
        processes=tuple(found),
        files=tuple(str(path) for path in files),
    )


def refuse_or_tidy(state_file: StateFile, lock: MachineLock) -> None:
    """Take the machine for a run, or raise `PlatformError` (3) saying who has it.

    A stale state file whose processes are all gone (the machine restarted) is tidied silently.
    """
    try:
        taken = lock.acquire()
    except OSError as error:
        raise PlatformError(
            3, f"{state_file.directory}: cannot keep state there ({error}); set TEASTORM_STATE_DIR"
        ) from error
    if not taken:
        raise PlatformError(3, f"another teastorm run holds this machine{_holder(state_file)}")
    look = survey(state_file, probe=False)
    if look.processes:
        lock.release()
        pids = ", ".join(str(found.pid) for found in look.processes)
        raise PlatformError(
            3, f"an earlier run left processes ({pids}); `teastorm down` removes them"
        )
    if not look.empty:
        _remove_files(look.files)
        state_file.remove()


def remove_run(state_file: StateFile, *, grace_s: float = PROCESS_GRACE_S) -> Leftovers:
    """End the runner if it lives (it tears down itself), then whatever is left of its run."""
    look = survey(state_file, probe=False)
    if look.state is not None and look.runner_alive:
        runner = (look.state.runner_pid, look.state.runner_started_unix_s)
        end_all([runner], grace_s=RUNNER_GRACE_S)
        look = survey(state_file, probe=False)
    alive = end_all([(f.pid, f.started_unix_s) for f in look.processes], grace_s=grace_s)
    _remove_files(look.files)
    files = tuple(path for path in look.files if Path(path).exists() and path != _own(state_file))
    ports = () if look.state is None or not alive else _taken_ports(look.state.processes)
    if not alive and not files:
        state_file.remove()
    return Leftovers(processes=tuple(f"pid {pid}" for pid, _ in alive), files=files, ports=ports)


def _living(state_file: StateFile, state: RunState | None) -> list[tuple[int, float]]:
    """Noted processes that are still themselves, and any that carry this state file's mark."""
    found = dict(owned_by(OWNER_VARIABLE, str(state_file.path)))
    for note in () if state is None else state.processes:
        if note.pid is None or note.started_unix_s is None:
            continue
        if note.pid not in found and is_same(note.pid, note.started_unix_s):
            found[note.pid] = note.started_unix_s
    return sorted(found.items())


def _files(state_file: StateFile, state: RunState | None) -> list[Path]:
    if state is None:
        return [state_file.path]
    return [Path(state.work_dir), *_measuring(state), state_file.path]


def _measuring(state: RunState) -> list[Path]:
    """The folder of a measurement that was killed; a folder that a person named is never one."""
    if state.run_dir is None:
        return []
    path = Path(state.run_dir)
    ours = path.name.startswith(MEASURING_PREFIX) and path.parent == Path(tempfile.gettempdir())
    return [path] if ours else []


def _own(state_file: StateFile) -> str:
    return str(state_file.path)


def _remove_files(paths: Sequence[str]) -> None:
    for name in paths:
        path = Path(name)
        # The state file is removed last, by the caller; a folder only if a run could have made it.
        if path.is_dir() and path.name.startswith("teastorm-"):
            shutil.rmtree(path, ignore_errors=True)


def _taken_ports(notes: Sequence[ProcessNote]) -> tuple[int, ...]:
    ports = [port for note in notes for port in (note.port, note.admin_port)]
    return tuple(port for port in ports if not is_free(port))


def _ready(note: ProcessNote | None) -> bool:
    if note is None:
        return False
    try:
        status, _ = call("127.0.0.1", note.port, "GET", "/readyz", timeout_s=1.0)
    except Unreachable:
        return False
    return status == 200


def _holder(state_file: StateFile) -> str:
    try:
        state = state_file.read()
    except PlatformError:
        state = None
    if state is None or start_time(state.runner_pid) is None:
        return "; wait for it to end"
    return f" (pid {state.runner_pid}); wait for it, or end it with `teastorm down`"
