"""Real servers that a test scripts, and the outgoing client towards them."""

from __future__ import annotations

import asyncio
import random

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from teashop.serving.client import ClientConfig, Outgoing
from teashop.serving.clock import Clock, SystemClock
from teashop.serving.discovery import FixedDiscovery
from teashop.serving.edges import EdgeFaults
from teashop.serving.settings import Common, Protections

ON = Protections()
LOST = object()
"""For a script: the request has arrived, and its connection is reset."""


class Backend:
    """A real server whose answers a test scripts."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        self.connections: set[int] = set()
        self.script = lambda n: web.Response(status=200, text="fine")
        self.hang = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.address = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.address = f"{host}:{port}"

    async def stop(self) -> None:
        self.hang.set()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        self.seen.append(dict(request.headers))
        self.connections.add(id(request.protocol))
        answer = self.script(len(self.seen))
        if answer is LOST:
            request.transport.abort()
            return web.Response()
        if answer is None:
            await self.hang.wait()
            return web.Response()
        return answer


@pytest.fixture
async def backend():
    server = Backend()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def another():
    server = Backend()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def clock() -> Clock:
    """What clients and the faults on their way run by."""
    return SystemClock()


@pytest.fixture
def edges(clock) -> EdgeFaults:
    """The faults on the way out of every client that `make_client` makes."""
    return EdgeFaults(clock, random.Random(1))


@pytest.fixture
async def make_client(edges, clock):
    made: list[Outgoing] = []

    async def make(table, *, protections=ON, **config) -> tuple[Outgoing, CollectorRegistry]:
        # A machine that stands still for a moment is no replica that cannot be reached.
        config = {"connect_timeout_s": 10.0, "timeout_s": 10.0} | config
        registry = CollectorRegistry()
        client = Outgoing(
            common=Common(service="t", protections=protections),
            discovery=FixedDiscovery(table),
            clock=clock,
            rng=random.Random(1),
            registry=registry,
            config=ClientConfig(**config),
            edges=edges,
        )
        await client.start()
        made.append(client)
        return client, registry

    yield make
    for client in made:
        await client.stop()
