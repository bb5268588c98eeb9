"""Linux scheduler slices: who may be interrupted how soon. Elsewhere nothing here does anything."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import sys

SLICES_NS = {"gateway": 100_000}
SLICE_NS = 500_000
"""A service gives way sooner than the kernel would have it, after one to three milliseconds, and in
return is run soon after a packet has woken it: also across cgroups, so in a pod. The gateway, which
says no to those whom nobody else will answer, most of all."""

_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}


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


def set_slice(slice_ns: int, *, pid: int = 0, nice: int = 0) -> bool:
    """Ask the kernel to schedule a thread (0: this one) in slices of `slice_ns`.

    For SCHED_OTHER, `sched_runtime` is the slice since Linux 6.12 (EEVDF); older kernels ignore
    it. A short slice makes a waking thread run before batch work, and a running one give way
    sooner. The call sets `nice` too, so name the one in force. Returns whether the kernel took
    it; elsewhere, and on failure, nothing changes.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return False
    attr = _SchedAttr(size=ctypes.sizeof(_SchedAttr), sched_nice=nice, sched_runtime=slice_ns)
    with contextlib.suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).syscall(number, pid, ctypes.byref(attr), 0) == 0)
    return False


def answer_soon(service: str) -> bool:
    """Short slices for every thread that this one will start, at the niceness it has."""
    slice_ns = SLICES_NS.get(service, SLICE_NS)
    return set_slice(slice_ns, nice=os.getpriority(os.PRIO_PROCESS, 0))
