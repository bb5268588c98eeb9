"""SIGTERM while a command computes: it says so, exits 130, and its workers end with it."""

import subprocess
import sys
from pathlib import Path

import psutil
from tests.waiting import until

WITHIN_S = 90.0


def workers_of(process: "subprocess.Popen[bytes]", count: int) -> list[psutil.Process]:
    """Its worker processes, once there are so many."""
    found: list[psutil.Process] = []

    def enough() -> bool:
        found[:] = [p for p in psutil.Process(process.pid).children() if is_worker(p)]
        return len(found) >= count

    until(enough, f"{count} workers started", WITHIN_S)
    return found


def is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in str(process.cmdline())
    except psutil.Error:  # it ended meanwhile
        return False


def test_workers_end_with_the_command_that_was_terminated(state_directory: Path) -> None:
    command = [sys.executable, "-m", "teastorm.cli.main", "simulate"]
    asked = ["--orders", "500000", "--seeds", "4", "--workers", "2"]
    with subprocess.Popen([*command, *asked], stderr=subprocess.PIPE) as process:
        workers = workers_of(process, 2)
        process.terminate()
        _, errors = process.communicate(timeout=WITHIN_S)

    assert process.returncode == 130
    assert errors.decode().splitlines()[-1] == "teastorm: interrupted"
    _, alive = psutil.wait_procs(workers, timeout=WITHIN_S)
    assert alive == []
