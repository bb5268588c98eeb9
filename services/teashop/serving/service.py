"""The ASGI application of every service: lifespan, probes, metrics, drain, faults, routes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from teashop.serving import telemetry
from teashop.serving.asgi import (
    BodyGone,
    Headers,
    Problem,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    json_response,
)
from teashop.serving.clock import Clock
from teashop.serving.faults import Faults
from teashop.serving.router import Router
from teashop.serving.send import send_response

log = logging.getLogger("teashop.service")
type Hook = Callable[[], Awaitable[None]]


class Service:
    """One service as an ASGI application.

    `/livez` tells of this process only. `/readyz` is 503 while starting or draining. Faults apply
    to routed requests, never to probes or metrics. Belongs to one event loop.

    Args:
        on_start, on_stop: run in order around the application's life; on_stop in reverse order.
        ready: an additional condition of readiness that looks at nothing outside this process.
    """

    def __init__(
        self,
        *,
        name: str,
        replica: str,
        router: Router,
        registry: CollectorRegistry,
        clock: Clock,
        faults: Faults,
        on_start: Sequence[Hook] = (),
        on_stop: Sequence[Hook] = (),
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.replica = replica
        self.router = router
        self.registry = registry
        self.faults = faults
        self.in_flight = 0
        self._clock = clock
        self._on_start = list(on_start)
        self._on_stop = list(on_stop)
        self._ready = ready
        self._started = False
        self._draining = False
        self._replica_header = (b"x-replica", replica.encode())
        self._arrived = Counter(
            "teashop_arrived",
            "Requests that arrived, without probes and scrapes",
            registry=registry,
        )
        gauge = Gauge("teashop_ready", "1 when this replica takes traffic", registry=registry)
        gauge.set_function(lambda: float(self.is_ready))

    @property
    def is_ready(self) -> bool:
        """Whether this replica wants traffic."""
        return self._started and not self._draining and self._ready()

    @property
    def draining(self) -> bool:
        """Whether the drain has begun."""
        return self._draining

    def drain(self) -> None:
        """Take readiness away; what is in flight goes on."""
        self._draining = True

    async def start(self) -> None:
        """Run the start hooks."""
        for hook in self._on_start:
            await hook()
        self._started = True

    async def stop(self) -> None:
        """Run the stop hooks, each even when an earlier one failed."""
        self._draining = True
        for hook in reversed(self._on_stop):
            try:
                await hook()
            except Exception:
                log.exception("a stop hook of %s failed", self.name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.start()
                except Exception as error:
                    log.exception("%s could not start", self.name)
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        probe = self._probe(path) if path in _PROBES else None
        if probe is not None:
            await send_response(send, probe)
            return
        request = Request(scope, receive, self._clock.now())
        self.in_flight += 1
        self._arrived.inc()
        try:
            try:
                response = await self._handle(request)
            except Problem as problem:
                response = problem.response()
            except BodyGone:
                return
            except Exception:
                log.exception("unhandled error on %s %s", scope["method"], path)
                response = Problem(500, "internal", "An unexpected error; see the log.").response()
            await send_response(send, response.with_headers(*self._every_answer()))
        finally:
            self.in_flight -= 1

    def _every_answer(self) -> Headers:
        """The replica's name; while draining, also that this connection is not for another request.

        A kept connection that is closed while its client sends loses a request; one that the
        client was told to drop does not.
        """
        return (self._replica_header, _LAST) if self._draining else (self._replica_header,)

    async def _handle(self, request: Request) -> Response:
        if self.faults.current is not None:
            await self.faults.apply()
        handler, params = self.router.find(request.scope["method"], request.scope["path"])
        request.params = params
        traceparent = request.header(b"traceparent")
        if traceparent is not None:
            telemetry.trace_id.set(telemetry.trace_of(traceparent))
        return await handler(request)

    def _probe(self, path: str) -> Response:
        if path == "/livez":
            return Response(200, b"ok")
        if path == "/metrics":
            return telemetry.exposition(self.registry)
        state = "ready" if self.is_ready else "draining" if self._draining else "starting"
        return json_response(200 if self.is_ready else 503, {"state": state})


_LAST = (b"connection", b"close")
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
