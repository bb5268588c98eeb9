"""SIGTERM while a command computes: it says so, exits 130, and its workers end with it."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

WITHIN_S = 90.0


def workers_of(process: "subprocess.Popen[bytes]", count: int) -> list[psutil.Process]:
    """Its worker processes, once there are so many."""
    until_s = time.monotonic() + WITHIN_S
    while time.monotonic() < until_s:
        found = [
            p for p in psutil.Process(process.pid).children() if "spawn_main" in str(p.cmdline())
        ]
        if len(found) >= count:
            return found
        time.sleep(0.1)  # between two looks
    raise AssertionError(f"{count} workers did not start within {WITHIN_S:g} s")


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
