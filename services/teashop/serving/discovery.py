"""Where the other services are: a watched file, or the DNS name of a headless Service."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import orjson

from teashop.serving.clock import Clock
from teashop.serving.names import Names


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

    def __init__(
        self, path: Path, clock: Clock, *, period_s: float = 0.1, names: Names | None = None
    ) -> None:
        self._path = path
        self._clock = clock
        self._period_s = period_s
        self._stamp: tuple[int, int] | None = None
        self._read: dict[str, tuple[str, ...]] = {}
        self._names = names or Names(clock)
        self.refresh()

    def endpoints(self, service: str) -> Sequence[str]:
        """Those of the last good read."""
        return self._names.endpoints(service)

    def refresh(self) -> None:
        """Read the file if it is another one than last time."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino)
            if stamp != self._stamp:
                raw = orjson.loads(self._path.read_bytes())
                self._read = {str(name): tuple(map(str, where)) for name, where in raw.items()}
                self._stamp = stamp
        except (OSError, orjson.JSONDecodeError, AttributeError, TypeError):
            return
        for service in self._read.keys() | self._names.known():
            self._names.learn(service, self._read.get(service, ()))

    async def run(self) -> None:
        """Look at the file's time stamp each `period_s`."""
        while True:
            await self._clock.sleep(self._period_s)
            self.refresh()


class DnsDiscovery:
    """The addresses behind headless Services; each service's name and port is given.

    What is believed, and for how long, is said in `Names`.

    Args:
        table: service to `name:port`; a name that ends in a dot is not tried in search domains.
        period_s: between two look-ups of a service.
        timeout_s: after which a look-up counts as failed.
    """

    def __init__(
        self,
        table: Mapping[str, str],
        clock: Clock,
        *,
        period_s: float = 1.0,
        timeout_s: float = 2.0,
        names: Names | None = None,
    ) -> None:
        self._asked = dict(table)
        self._clock = clock
        self._period_s = period_s
        self._timeout_s = timeout_s
        self._names = names or Names(clock)

    def endpoints(self, service: str) -> Sequence[str]:
        """Those of the last good look-up."""
        return self._names.endpoints(service)

    async def refresh(self) -> None:
        """Look every name up once, side by side: a slow one must not age the others."""
        await asyncio.gather(*(self._look_up(service) for service in self._asked))

    async def _look_up(self, service: str) -> None:
        host, _, port = self._asked[service].rpartition(":")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await loop.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        except OSError as error:  # TimeoutError and gaierror are among them
            if isinstance(error, socket.gaierror) and error.errno in _NO_ADDRESS:
                found = []
            else:
                self._names.failed(service, f"{host}: {error or 'no answer in time'}")
                return
        self._names.learn(service, sorted({_endpoint(a[4]) for a in found}))

    async def run(self) -> None:
        """Look the names up each `period_s`."""
        while True:
            await self.refresh()
            await self._clock.sleep(self._period_s)


_NO_ADDRESS = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""The resolver answered, and the answer is that there is none."""


def _endpoint(address: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """`host:port` of a socket address, IPv6 in brackets."""
    host, port = str(address[0]), int(address[1])
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
