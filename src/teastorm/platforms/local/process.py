"""Starting, recognising and ending the processes of replicas."""

import os
import signal as signals
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from teastorm.platforms.base import PlatformError
from teastorm.scheduling import set_autogroup

# The load generator must stay punctual on the machine it shares with the shop: every replica
# yields to it (0), and the mock of a GPU, which would not compete for CPU in reality, to the rest.
NICENESS = {"gateway": 12, "orders": 12, "dispatch": 13, "inference": 17}
DEFAULT_NICENESS = 12
# psutil derives the start from the kernel's clock ticks (10 ms).
START_TOLERANCE_S = 0.02


@dataclass(frozen=True, kw_only=True)
class Launched:
    """A process of ours: `handle` reaps it, `started_unix_s` identifies it."""

    handle: subprocess.Popen[bytes]
    started_unix_s: float

    @property
    def pid(self) -> int:
        """The process id, which is its session's and its group's id too."""
        return self.handle.pid

    def alive(self) -> bool:
        """Whether it still runs; reaps it when not."""
        return self.handle.poll() is None

    def send(self, signal: int) -> None:
        """Signal its whole group. Harmless when it has ended: an unreaped pid is not reused."""
        if self.alive():
            try:
                os.killpg(self.pid, signal)
            except ProcessLookupError:
                return


def launch(
    command: Sequence[str], *, log: Path, extra_environment: Mapping[str, str], niceness: int
) -> Launched:
    """Start a process in a session of its own, output to `log` (appended), stdin closed.

    `PlatformError` (3) when the program cannot be started.
    """
    environment = {**os.environ, **extra_environment, "PYTHONUNBUFFERED": "1"}
    try:
        with log.open("ab") as output:
            handle = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        raise PlatformError(3, f"cannot start {command[0]}: {error}") from error
    _yield_cpu(handle.pid, niceness)
    started = start_time(handle.pid)
    return Launched(handle=handle, started_unix_s=time.time() if started is None else started)


def _yield_cpu(pid: int, niceness: int) -> None:
    """Nice the process, best effort: a machine that refuses runs the shop all the same."""
    try:
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
    except OSError:
        return
    set_autogroup(pid, niceness)


def start_time(pid: int) -> float | None:
    """When the process began (seconds since 1970), None when it has ended (a zombie has)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.Error:
        return None


def is_same(pid: int, started_unix_s: float) -> bool:
    """Whether this pid is still the process that began then, and not a later one."""
    began = start_time(pid)
    return began is not None and abs(began - started_unix_s) <= START_TOLERANCE_S


def owned_by(variable: str, value: str) -> list[tuple[int, float]]:
    """`(pid, start)` of living processes of this user whose environment holds `variable=value`."""
    found: list[tuple[int, float]] = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(variable) == value:
                found.append((process.pid, float(process.create_time())))
        except (psutil.Error, OSError):
            continue
    return found


def end_all(processes: Sequence[tuple[int, float]], *, grace_s: float) -> list[tuple[int, float]]:
    """End processes which need not be our children: SIGTERM, then SIGKILL after `grace_s`.

    Each is recognised by pid and start time right before it is signalled. Gives those that still
    live in the end.
    """
    left = [known for known in processes if is_same(*known)]
    for signal, patience_s in ((signals.SIGTERM, grace_s), (signals.SIGKILL, 3.0)):
        for pid, started in left:
            if is_same(pid, started):
                _signal_quietly(pid, signal)
                if signal == signals.SIGTERM:
                    _signal_quietly(pid, signals.SIGCONT)
        left = _wait_gone(left, patience_s)
        if not left:
            break
    return left


def _signal_quietly(pid: int, signal: int) -> None:
    try:
        os.kill(pid, signal)
    except (ProcessLookupError, PermissionError):
        return


def _wait_gone(
    processes: Sequence[tuple[int, float]], patience_s: float
) -> list[tuple[int, float]]:
    until_s = time.monotonic() + patience_s
    left = list(processes)
    while left and time.monotonic() < until_s:
        time.sleep(0.02)
        left = [known for known in left if is_same(*known)]
    return left
