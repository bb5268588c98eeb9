"""The one outgoing client: discovery, balancing, breaker, deadline, retry budget.

Retries happen here and nowhere else between services. Without their protections the same code
does what plain clients do: round robin, a fixed time-out, a fixed number of retries after a fixed pause.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from teashop.resilience.outgoing import Target
from teashop.serving.asgi import Headers
from teashop.serving.attempt import Attempts
from teashop.serving.attempt_metrics import AttemptMetrics
from teashop.serving.clock import Clock
from teashop.serving.discovery import Discovery
from teashop.serving.edges import EdgeFaults
from teashop.serving.settings import Common
from teashop.serving.wire import Answer, Call, Wire

__all__ = ["Answer", "ClientConfig", "Outgoing", "Unavailable"]


class Unavailable(Exception):
    """No answer could be had from a service.

    Attributes:
        service: which one.
        reason: dependency (no endpoint, connection lost), breaker, or deadline.
        retry_after_s: when another try makes sense.
    """

    def __init__(self, service: str, reason: str, retry_after_s: float = 1.0) -> None:
        super().__init__(f"{service} gave no answer: {reason}")
        self.service = service
        self.reason = reason
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientConfig:
    """How the client behaves.

    Attributes:
        timeout_s: for one attempt, and the only limit when deadlines are not propagated.
        retries: attempts after the first.
        connect_timeout_s: for a connection to be made.
    """

    timeout_s: float = 3.0
    retries: int = 2
    connect_timeout_s: float = 0.25

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.timeout_s <= 0 or self.connect_timeout_s <= 0:
            raise ValueError("timeout_s and connect_timeout_s must be above 0")
        if self.retries < 0:
            raise ValueError(f"retries must be at least 0, got {self.retries}")


class Outgoing:
    """Requests to the other services. Belongs to one event loop; `start` before, `stop` after.

    Args:
        edges: the faults that this caller is told to suffer on its way to others.
    """

    def __init__(
        self,
        *,
        common: Common,
        discovery: Discovery,
        clock: Clock,
        rng: random.Random,
        registry: CollectorRegistry,
        config: ClientConfig | None = None,
        edges: EdgeFaults | None = None,
    ) -> None:
        self._protections = common.protections
        self._discovery = discovery
        self._clock = clock
        self._rng = rng
        self._config = config or ClientConfig()
        edges = EdgeFaults(clock, rng) if edges is None else edges
        self._wire = Wire(clock, edges, connect_timeout_s=self._config.connect_timeout_s)
        self._targets: dict[str, Target] = {}
        self._watch: asyncio.Task[None] | None = None
        self._metrics = AttemptMetrics(registry)
        self._attempts = Attempts(
            self._wire, clock=clock, metrics=self._metrics, timeout_s=self._config.timeout_s
        )
        self._metrics.edge_faults.set_function(lambda: float(len(edges.current())))

    async def start(self) -> None:
        """Open the connection pool and begin to watch the endpoints."""
        await self._wire.start()
        self._watch = asyncio.create_task(self._discovery.run())

    async def stop(self) -> None:
        """Close the pool."""
        if self._watch is not None:
            self._watch.cancel()
        await self._wire.stop()

    def endpoints(self, service: str) -> Sequence[str]:
        """The endpoints known of a service now."""
        return self._discovery.endpoints(service)

    async def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Headers = (),
        deadline_s: float | None = None,
        idempotent: bool = True,
        attempts: int | None = None,
    ) -> Answer:
        """Ask `service`, trying again where that can help.

        Args:
            deadline_s: a moment of the client's clock after which nobody waits any more; it
                travels in X-Request-Timeout-Ms and bounds every attempt. Ignored while the
                deadlines protection is off.
            idempotent: whether a request that may have arrived can be sent again.
            attempts: instead of the configured number.

        Raises:
            Unavailable: no attempt brought an answer.
        """
        target = self._target(service)
        limit = attempts or self._config.retries + 1
        if not self._protections.deadlines:
            deadline_s = None
        target.budget.deposit()
        tried: list[str] = []
        answer: Answer | None = None
        reason = "dependency"
        for attempt in range(1, limit + 1):
            if attempt > 1 and not await self._may_retry(service, target, attempt, deadline_s):
                break
            endpoint = target.choose(
                self._discovery.endpoints(service), tried, self._rng, self._clock.now()
            )
            if endpoint is None:
                reason = "breaker" if self._discovery.endpoints(service) else "dependency"
                break
            tried.append(endpoint)
            call = Call(method, path, body, headers, deadline_s)
            outcome = await self._attempts.make(service, target, endpoint, call)
            if isinstance(outcome, str):
                answer, reason = None, outcome
                if outcome == "deadline" or (outcome == "lost" and not idempotent):
                    break
                continue
            answer = outcome
            # Whoever refused said that it is full: asking again at once would only repeat it.
            if answer.status < 500 or answer.refused:
                break
        if answer is not None:
            return answer
        raise Unavailable(service, "dependency" if reason in {"connect", "lost"} else reason)

    def _target(self, service: str) -> Target:
        found = self._targets.get(service)
        if found is None:
            found = Target(self._protections)
            self._targets[service] = found
            self._metrics.breakers_open.labels(service).set_function(
                lambda: float(self._open_breakers(service))
            )
        return found

    def _open_breakers(self, service: str) -> int:
        return self._targets[service].open_breakers(self._discovery.endpoints(service))

    async def _may_retry(
        self, service: str, target: Target, attempt: int, deadline_s: float | None
    ) -> bool:
        """Whether another attempt is allowed, after its backoff."""
        pause_s = target.pause_s(attempt, self._clock.now(), deadline_s, self._rng)
        if pause_s is None:
            return False
        await self._clock.sleep(pause_s)
        self._metrics.retries.labels(service).inc()
        return True
