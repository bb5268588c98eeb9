"""Linux scheduling: who runs before whom. Elsewhere nothing here does anything."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def set_autogroup(pid: int, niceness: int) -> bool:
    """Nice the session's autogroup; False when the kernel asks to come back (once per 100 ms).

    With Linux's autogroups (sched(7)) a nice value only counts inside a session; between sessions,
    and each replica and the load generator have one, the group's own niceness does.
    """
    try:
        Path(f"/proc/{pid}/autogroup").write_text(f"{niceness}\n", encoding="ascii")
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def take_priority(niceness: int) -> int:
    """Nice this process and its session, where it may; returns the niceness in force.

    Below 0 that needs CAP_SYS_NICE. It counts against other cgroups too: what a cluster's nodes
    run shares one group's weight, and this process keeps its own.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)
    in_force = os.getpriority(os.PRIO_PROCESS, 0)
    set_autogroup(os.getpid(), in_force)
    return in_force
