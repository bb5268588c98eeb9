"""What keeps the generator's clock true: no garbage collection pauses, short scheduler slices."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import platform
import sys

import psutil

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
_SLICE_NS = 100_000
_MEMORY_MAX = 1 << 30


class _SchedAttr(ctypes.Structure):
    """`struct sched_attr`, sched_setattr(2), its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("sched_policy", ctypes.c_uint32),
        ("sched_flags", ctypes.c_uint64),
        ("sched_nice", ctypes.c_int32),
        ("sched_priority", ctypes.c_uint32),
        ("sched_runtime", ctypes.c_uint64),
        ("sched_deadline", ctypes.c_uint64),
        ("sched_period", ctypes.c_uint64),
    )


def short_slice() -> bool:
    """Ask Linux for a 100 µs slice, so that a waking generator runs before batch work.

    For SCHED_OTHER, `sched_runtime` is the slice since Linux 6.12 (EEVDF); older kernels ignore
    it. Returns whether the kernel took it; elsewhere, and on failure, nothing changes.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return False
    attr = _SchedAttr(size=ctypes.sizeof(_SchedAttr), sched_runtime=_SLICE_NS)
    with contextlib.suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).syscall(number, 0, ctypes.byref(attr), 0) == 0)
    return False


def quiet_collector() -> None:
    """Call when everything long-lived exists: it is frozen, and collection becomes ours to time."""
    gc.collect()
    gc.freeze()
    gc.disable()


def collect_young() -> None:
    """Once a second: a millisecond for what died young; everything, once memory runs high."""
    gc.collect(0)
    if psutil.Process().memory_info().rss > _MEMORY_MAX:
        gc.collect()
