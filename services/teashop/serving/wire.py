"""One attempt on the wire: the connection pool, time-outs, and the faults between services."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from teashop.serving.asgi import Headers
from teashop.serving.clock import Clock
from teashop.serving.edges import Cut, EdgeFaults

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

_cut: ContextVar[Cut | None] = ContextVar("cut", default=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What another service said; header names are case-insensitive."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def refused(self) -> bool:
        """Whether it is a deliberate refusal, which asking again at once would only repeat."""
        return self.status in {429, 503} and "X-Refusal" in self.headers

    @property
    def served_s(self) -> float | None:
        """How long the service says that it took (`Server-Timing: app;dur=…`), in seconds."""
        metric, _, value = self.headers.get("Server-Timing", "").partition(";dur=")
        try:
            seconds = float(value) / 1000
        except ValueError:
            return None
        return seconds if metric == "app" and 0 <= seconds < 3600 else None


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked, the same in every attempt."""

    method: str
    path: str
    body: bytes
    headers: Headers
    deadline_s: float | None


class Wire:
    """The pool of connections to the other services. Belongs to one event loop.

    A fault that is in force on an edge is suffered here: latency and errors by the request, a cut
    by its connection, so that what stands in the pool is lost as it would be, one time-out each.
    A late request leaves late; the handshake of a new connection takes no longer for it.
    """

    def __init__(self, clock: Clock, edges: EdgeFaults, *, connect_timeout_s: float) -> None:
        self._clock = clock
        self._edges = edges
        self._connect_timeout_s = connect_timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the pool."""
        connector = _Connector(limit=0, keepalive_timeout=30, enable_cleanup_closed=False)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def stop(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self, service: str, endpoint: str, call: Call, headers: dict[str, str], timeout_s: float
    ) -> Answer | str:
        """One request; its answer, or how it failed (connect, lost, deadline)."""
        until_s = self._clock.now() + timeout_s
        if self._edges:
            outcome = await self._faulty(service, endpoint, call, headers, timeout_s)
        else:
            outcome = await self._exchange(endpoint, call, headers, timeout_s)
        # A cut that lies there by now holds the answer up, too.
        cut = self._edges.cut(service, endpoint) if self._edges else None
        if isinstance(outcome, str) or cut is None or await self._arrives(cut, until_s):
            return outcome
        return "lost" if cut.refuses else "deadline"

    async def _faulty(
        self, service: str, endpoint: str, call: Call, headers: dict[str, str], timeout_s: float
    ) -> Answer | str:
        delay_s = min(self._edges.delay_s(service, endpoint), timeout_s)
        if delay_s > 0:
            await self._clock.sleep(delay_s)
            timeout_s -= delay_s
            if timeout_s <= 0:
                return "deadline"
        status = self._edges.error(service, endpoint)
        if status is not None:
            return Answer(status, b"an injected error", {})
        token = _cut.set(self._edges.cut(service, endpoint))
        try:
            return await self._exchange(endpoint, call, headers, timeout_s)
        finally:
            _cut.reset(token)

    async def _arrives(self, cut: Cut, until_s: float) -> bool:
        return not cut.refuses and await cut.healed(until_s - self._clock.now())

    async def _exchange(
        self, endpoint: str, call: Call, headers: dict[str, str], timeout_s: float
    ) -> Answer | str:
        if self._session is None:
            raise RuntimeError("the outgoing client was used before start()")
        timeout = aiohttp.ClientTimeout(
            total=timeout_s, sock_connect=min(timeout_s, self._connect_timeout_s)
        )
        try:
            async with self._session.request(
                call.method,
                URL(f"http://{endpoint}{call.path}", encoded=True),
                data=call.body or None,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body = await response.read()
                return Answer(response.status, body, response.headers)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return "connect"
        except TimeoutError:
            return "deadline"
        except (aiohttp.ClientError, OSError):
            return "lost"


class _Connector(aiohttp.TCPConnector):
    """Connections on which a cut can lie (`_cut`, set around the request that asks for one)."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the overridden method's
    ) -> Connection:
        """From the pool, or a new one; what a cut swallows is closed when its time is up."""
        cut = _cut.get()
        connection = await super().connect(req, traces, timeout)
        if cut is None:
            return connection
        # A new one would not have come into being: this one stood in the pool.
        if cut.refuses:
            connection.close()
            raise aiohttp.ClientConnectionResetError(errno.ECONNRESET, "an injected reset")
        try:
            await cut.healed()
        except BaseException:
            connection.close()
            raise
        return connection

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the overridden method's
    ) -> ResponseHandler:
        cut = _cut.get()
        if cut is not None:
            if cut.refuses:
                refused = ConnectionRefusedError(errno.ECONNREFUSED, "an injected refusal")
                raise aiohttp.ClientConnectorError(req.connection_key, refused)
            if not await cut.healed(timeout.sock_connect or 0.0):
                raise aiohttp.ConnectionTimeoutError(f"no answer from {req.url}")
        return await super()._create_connection(req, traces, timeout)
