"""What keeps the generator's clock true: no garbage collection pauses, the CPU at once and awake.

And what nobody on the machine can help: CPU time that a hypervisor gave to another machine.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import psutil

from teashop.serving.slices import set_slice
from teastorm.scheduling import take_priority

_SLICE_NS = 100_000
_NICENESS = -10
_MEMORY_MAX = 1 << 30
_WINDOW_LOOKS = 2
LATENCY_QOS: Final = Path("/dev/cpu_dma_latency")


def run_first() -> bool:
    """Ahead of the shop it measures, where the user may ask for that; in slices of 100 µs.

    A generator that waits for the CPU behind its own subject measures the wait.
    """
    return set_slice(_SLICE_NS, nice=take_priority(_NICENESS))


def stay_awake(qos: Path = LATENCY_QOS) -> BinaryIO | None:
    """Keep idle cores from sleeping for as long as the returned file is open; None where refused.

    A core that sleeps has to be woken for each packet and timer: tens of microseconds on hardware,
    and in a virtual machine as long as the hypervisor takes to find it a core again. Linux's PM QoS
    interface (Documentation/power/pm_qos_interface.rst), as `cyclictest` uses it, needs root, holds
    for every core, and ends with the process.
    """
    try:
        held = qos.open("r+b", buffering=0)  # "wb" would make a file where there is no device
    except OSError:
        return None
    try:
        held.write((0).to_bytes(4, sys.byteorder))
    except OSError:
        held.close()
        return None
    return held


def quiet_collector() -> None:
    """Call when everything long-lived exists: it is frozen, and collection becomes ours to time."""
    gc.collect()
    gc.freeze()
    gc.disable()


def collect_young() -> None:
    """Ten times a second: what died young, in a fraction of a millisecond each time."""
    gc.collect(0)


def collect_all_when_large() -> None:
    """Once a second: everything, once memory runs high."""
    if psutil.Process().memory_info().rss > _MEMORY_MAX:
        gc.collect()


def _stolen_and_all() -> tuple[float, float]:
    """CPU seconds of the machine since it started: stolen, and of every kind."""
    times = psutil.cpu_times()
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # in user and nice
    return float(getattr(times, "steal", 0.0)), float(sum(times)) - guests


class Stolen:
    """How much of the machine's CPU time was stolen; look once a second.

    A stall of the whole machine reads like a failure of whatever runs on it. Where the system
    does not tell (elsewhere than on Linux, and on bare metal), nothing was stolen.
    """

    def __init__(self, read: Callable[[], tuple[float, float]] = _stolen_and_all) -> None:
        self._read = read
        self._looks = [read()]
        self.worst_share = 0.0

    def look(self) -> None:
        """Take the share over the last two seconds; `worst_share` is the largest so far."""
        self._looks = [*self._looks[-_WINDOW_LOOKS:], self._read()]
        if len(self._looks) > _WINDOW_LOOKS:
            stolen_s, all_s = (b - a for a, b in zip(self._looks[0], self._looks[-1], strict=True))
            self.worst_share = max(self.worst_share, stolen_s / all_s if all_s > 0 else 0.0)
