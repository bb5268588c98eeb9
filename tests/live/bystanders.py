"""How much CPU processes that do not belong to a test took while it ran."""

from __future__ import annotations

import threading
from typing import Self

import psutil

# A look at every process costs some ten milliseconds, which a generator next door would feel.
PERIOD_S = 20.0


class Bystanders:
    """Measures, in a thread, the cores that others used; `most_cores` is the worst period's.

    What belongs to the test are this process and all its descendants; a process that started or
    ended within a period counts as nobody's for that period, so short-lived helpers of the test
    itself do not look foreign for long.
    """

    def __init__(self) -> None:
        self.most_cores = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        before = _foreign_s()
        while not self._over.wait(PERIOD_S):
            now = _foreign_s()
            grown = sum(now[pid] - before[pid] for pid in now.keys() & before.keys())
            self.most_cores = max(self.most_cores, grown / PERIOD_S)
            before = now


def _foreign_s() -> dict[tuple[int, float], float]:
    """CPU seconds of every process that is not of this test, by pid and start."""
    me = psutil.Process()
    ours = {me.pid, *(p.pid for p in me.children(recursive=True))}
    used: dict[tuple[int, float], float] = {}
    for process in psutil.process_iter():
        if process.pid in ours:
            continue
        try:
            times = process.cpu_times()
            used[(process.pid, process.create_time())] = times.user + times.system
        except psutil.Error:
            continue
    return used
