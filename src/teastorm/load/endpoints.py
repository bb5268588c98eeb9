"""Which gateways there are: the platform's endpoints file, watched; requests are dealt in turn."""

from __future__ import annotations

from pathlib import Path

import orjson

from teastorm.load.errors import PlanInvalid
from teastorm.load.wire import Pool, Reply, failed
from teastorm.whole_file import why

PERIOD_S = 0.1


class Gateways:
    """The gateways of an endpoints file, each with its connection pool. One gevent hub only.

    A file that is missing or half-written leaves the last good list in force.
    """

    def __init__(self, path: Path, service: str = "gateway") -> None:
        self._path = path
        self._service = service
        self._stamp: tuple[int, int, int] | None = None
        self._pools: dict[str, Pool] = {}
        self._order: tuple[Pool, ...] = ()
        self._turn = 0

    @property
    def names(self) -> tuple[str, ...]:
        """`host:port` of each, in the file's order."""
        return tuple(pool.endpoint for pool in self._order)

    def refresh(self) -> None:
        """Read the file if it is another one than last time."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp == self._stamp:
                return
            raw = orjson.loads(self._path.read_bytes())
            listed = [str(name).removeprefix("http://").rstrip("/") for name in raw[self._service]]
            fresh = {name: self._pools.get(name) or Pool(name) for name in listed}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return
        self._stamp = stamp
        for name, pool in self._pools.items():
            if name not in fresh:
                pool.close()
        self._pools = fresh
        self._order = tuple(fresh.values())

    def exchange(self, request: bytes, timeout_s: float, avoid: str = "") -> tuple[Reply, str]:
        """One attempt at the gateway whose turn it is, but not at `avoid` when there is another.

        Returns:
            the reply, and which gateway it was (empty when there is none).
        """
        order = self._order
        if not order:
            return failed("connection"), ""
        self._turn += 1
        pool = order[self._turn % len(order)]
        if avoid and pool.endpoint == avoid and len(order) > 1:
            self._turn += 1
            pool = order[self._turn % len(order)]
        return pool.exchange(request, timeout_s), pool.endpoint

    def close(self) -> None:
        """Close every idle connection."""
        for pool in self._order:
            pool.close()


def check_endpoints(path: Path, service: str = "gateway") -> None:
    """`PlanInvalid` in one sentence unless `path` lists gateways that plain HTTP can reach."""
    try:
        raw = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise PlanInvalid(f"{path}: no such endpoints file; is the shop up?") from None
    except (OSError, ValueError) as error:
        raise PlanInvalid(f"{path}: is no endpoints file ({why(error)}).") from None
    listed = raw.get(service) if isinstance(raw, dict) else None
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise PlanInvalid(f'{path}: must hold a list of host:port under "{service}".')
    for name in listed:
        _, colon, port = name.removeprefix("http://").rstrip("/").rpartition(":")
        if not colon or not (port.isascii() and port.isdigit()):
            raise PlanInvalid(f"{path}: {name!r} is no host:port; https is not offered here.")
