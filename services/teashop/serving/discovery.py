"""Where the other services are: a watched file, or the DNS name of a headless Service."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import orjson

from teashop.serving.clock import Clock

log = logging.getLogger("teashop.discovery")


class Discovery(Protocol):
    """The ready endpoints of each service, as host:port."""

    def endpoints(self, service: str) -> Sequence[str]:
        """Those known now; empty when there is none."""
        ...

    async def run(self) -> None:
        """Keep them fresh until cancelled."""
        ...


class FixedDiscovery:
    """Endpoints that never change."""

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self.table = dict(table)

    def endpoints(self, service: str) -> Sequence[str]:
        """Those given."""
        return self.table.get(service, ())

    async def run(self) -> None:
        """Nothing to keep fresh."""


class FileDiscovery:
    """Endpoints in a JSON file that a platform replaces atomically; read when it changed.

    A file that is missing or half-written leaves the last good table in force.
    """

    def __init__(self, path: Path, clock: Clock, *, period_s: float = 0.1) -> None:
        self._path = path
        self._clock = clock
        self._period_s = period_s
        self._stamp: tuple[int, int] | None = None
        self._table: dict[str, tuple[str, ...]] = {}
        self.refresh()

    def endpoints(self, service: str) -> Sequence[str]:
        """Those of the last good read."""
        return self._table.get(service, ())

    def refresh(self) -> None:
        """Read the file if it is another one than last time."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp == self._stamp:
                return
            raw = orjson.loads(self._path.read_bytes())
            self._table = {str(name): tuple(map(str, where)) for name, where in raw.items()}
            self._stamp = stamp
        except (OSError, orjson.JSONDecodeError, AttributeError, TypeError):
            return

    async def run(self) -> None:
        """Look at the file's time stamp each `period_s`."""
        while True:
            await self._clock.sleep(self._period_s)
            self.refresh()


class DnsDiscovery:
    """The addresses behind headless Services; each service's name and port is given.

    A failed look-up leaves the last good answer in force, since a resolver that is down must not
    take a healthy dependency with it.
    """

    def __init__(self, names: Mapping[str, str], clock: Clock, *, period_s: float = 1.0) -> None:
        self._names = dict(names)
        self._clock = clock
        self._period_s = period_s
        self._table: dict[str, tuple[str, ...]] = {}

    def endpoints(self, service: str) -> Sequence[str]:
        """Those of the last good look-up."""
        return self._table.get(service, ())

    async def refresh(self) -> None:
        """Look every name up once."""
        loop = asyncio.get_running_loop()
        for service, name in self._names.items():
            host, _, port = name.rpartition(":")
            try:
                found = await loop.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
            except OSError as error:
                log.warning("cannot resolve %s: %s", host, error)
                continue
            self._table[service] = tuple(sorted({f"{a[4][0]}:{port}" for a in found}))

    async def run(self) -> None:
        """Look the names up each `period_s`."""
        while True:
            await self.refresh()
            await self._clock.sleep(self._period_s)
