"""Waiting for a machine that has its CPU to itself, before a void run is made again."""

from __future__ import annotations

import multiprocessing
import threading
import time

import psutil

STOLEN_MAX = 0.05
LOOK_S = 1.0
PAUSE_S = 10.0


def stolen_share(seconds: float = LOOK_S) -> float:
    """The share of CPU that a hypervisor takes while every core is wanted; 0 where nobody tells."""
    if not hasattr(psutil.cpu_times(), "steal"):
        return 0.0
    burners = [
        multiprocessing.get_context("fork").Process(target=_burn, args=(seconds,), daemon=True)
        for _ in range(psutil.cpu_count() or 1)
    ]
    before = psutil.cpu_times()
    for burner in burners:
        burner.start()
    for burner in burners:
        burner.join()
    after = psutil.cpu_times()
    return float(after.steal - before.steal) / max(sum(after) - sum(before), 1e-9)


def wait_for_calm(timeout_s: float = 60.0) -> None:
    """Come back once little is stolen, or when the time is up: the next run tells how it was."""
    until_s, pause = time.monotonic() + timeout_s, threading.Event()
    while stolen_share() > STOLEN_MAX and time.monotonic() < until_s:
        pause.wait(PAUSE_S)


def _burn(seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        pass
