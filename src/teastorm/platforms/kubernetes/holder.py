"""Who holds a namespace: a process, told apart from every other one on this machine and elsewhere.

A pid alone is not enough: it is given out again, and containers of one machine may share a host
name. So a holder also names the boot, the pid namespace and the moment its process began.
"""

import contextlib
import hashlib
import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from teastorm.platforms.local.process import is_same, start_time

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A process that holds a lease. As text `host/pid/place.start.token`, for people and leases."""

    host: str
    pid: int
    place: str
    started_ms: int
    token: str

    @classmethod
    def of_this_process(cls) -> Self:
        """A new holder; two of one process differ by their token."""
        return cls(
            host=socket.gethostname(),
            pid=os.getpid(),
            place=here(),
            started_ms=round((start_time(os.getpid()) or 0.0) * 1000),
            token=uuid.uuid4().hex[:8],
        )

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The holder a lease names; None when it is not a text of ours."""
        host, _, rest = text.partition("/")
        pid, _, marks = rest.partition("/")
        parts = marks.split(".")
        if not (pid.isdecimal() and len(parts) == 3 and parts[1].isdecimal()):
            return None
        place, started_ms, token = parts
        return cls(host=host, pid=int(pid), place=place, started_ms=int(started_ms), token=token)

    def __str__(self) -> str:
        return f"{self.host}/{self.pid}/{self.place}.{self.started_ms}.{self.token}"

    @property
    def is_here(self) -> bool:
        """Whether its pid can be looked up from here."""
        return self.place == here()

    @property
    def lives(self) -> bool:
        """Whether that very process still runs; asked only of one that `is_here`."""
        return is_same(self.pid, self.started_ms / 1000)


def here() -> str:
    """This boot of this machine and this pid namespace, as a short hash.

    Where there is no /proc (macOS) the host's name has to do.
    """
    known = [socket.gethostname()]
    with contextlib.suppress(OSError):
        known += [_BOOT.read_text(encoding="ascii").strip(), str(_PID_NAMESPACE.readlink())]
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:12]
