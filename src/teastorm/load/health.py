"""What keeps the generator's clock true: no garbage collection pauses, short scheduler slices."""

from __future__ import annotations

import gc

import psutil

from teastorm.scheduling import set_slice

_SLICE_NS = 100_000
_MEMORY_MAX = 1 << 30


def short_slice() -> bool:
    """A slice of 100 µs, so that a waking generator runs before batch work."""
    return set_slice(_SLICE_NS)


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
