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

    The answer that there is none empties the table, as a headless Service without ready pods
    must. A look-up that fails leaves the last good answer in force for `keep_s`, since a resolver
    that is down must not take a healthy dependency with it, and a table that nobody can vouch for
    any more must not send requests to whoever has the addresses now.

    Args:
        names: service to `name:port`; a name that ends in a dot is not tried in search domains.
        period_s: between two look-ups of a service.
        timeout_s: after which a look-up counts as failed.
        keep_s: how long the last good answer outlives failures.
    """

    def __init__(
        self,
        names: Mapping[str, str],
        clock: Clock,
        *,
        period_s: float = 1.0,
        timeout_s: float = 2.0,
        keep_s: float = 30.0,
    ) -> None:
        self._names = dict(names)
        self._clock = clock
        self._period_s = period_s
        self._timeout_s = timeout_s
        self._keep_s = keep_s
        self._table: dict[str, tuple[str, ...]] = {}
        self._good_at_s: dict[str, float] = {}

    def endpoints(self, service: str) -> Sequence[str]:
        """Those of the last good look-up."""
        return self._table.get(service, ())

    async def refresh(self) -> None:
        """Look every name up once, side by side: a slow one must not age the others."""
        await asyncio.gather(*(self._look_up(service) for service in self._names))

    async def _look_up(self, service: str) -> None:
        host, _, port = self._names[service].rpartition(":")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_s):
                found = await loop.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        except OSError as error:  # TimeoutError and gaierror are among them
            if isinstance(error, socket.gaierror) and error.errno in _NO_ADDRESS:
                found = []
            else:
                self._failed(service, host, error)
                return
        self._table[service] = tuple(sorted({_endpoint(a[4]) for a in found}))
        self._good_at_s[service] = self._clock.now()

    def _failed(self, service: str, host: str, error: OSError) -> None:
        """Keep the last good answer, for a bounded time."""
        good_at_s = self._good_at_s.get(service)
        age_s = None if good_at_s is None else self._clock.now() - good_at_s
        log.warning("cannot resolve %s: %s", host, error or "no answer in time")
        if age_s is not None and age_s > self._keep_s and self._table.get(service):
            log.error("the endpoints of %s are %.0f s old and are dropped", service, age_s)
            self._table[service] = ()

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
