"""What is known of where the other services are: by whom it was said, and how long ago."""

from __future__ import annotations

import logging
from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge

from teashop.serving.clock import Clock
from teashop.serving.edges import EdgeFaults

log = logging.getLogger("teashop.discovery")

KEEP_S = 30.0


class Names:
    """The endpoints of each service, as `host:port`. Belongs to one event loop.

    The answer that there is none empties the table, as a headless Service without ready pods
    must. A look-up that fails leaves the last good answer in force for `keep_s`, since a resolver
    that is down must not take a healthy dependency with it, and a table that nobody can vouch for
    any more must not send requests to whoever has the addresses now.

    Args:
        keep_s: how long the last good answer outlives failures.
        edges: injected failures; they lie between whoever answers and this table.
        registry: where look-ups and endpoints are counted, if anywhere.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        keep_s: float = KEEP_S,
        edges: EdgeFaults | None = None,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._clock = clock
        self._keep_s = keep_s
        self._edges = edges
        self._table: dict[str, tuple[str, ...]] = {}
        self._good_at_s: dict[str, float] = {}
        self._failing: set[str] = set()
        self._lookups = Counter(
            "teashop_lookups",
            "Look-ups of another service's name: ok, none (it has no address), failed",
            ["target", "outcome"],
            registry=registry,
        )
        self._known = Gauge(
            "teashop_endpoints", "Endpoints known of another service", ["target"], registry=registry
        )

    def endpoints(self, service: str) -> tuple[str, ...]:
        """Those of the last good answer; empty when there is none."""
        return self._table.get(service, ())

    def known(self) -> frozenset[str]:
        """The services that were ever named."""
        return frozenset(self._table)

    def learn(self, service: str, found: Collection[str]) -> None:
        """Take an answer, unless a fault stands between it and us."""
        said = self._edges.resolver_says(service) if self._edges else None
        if said == "fails":
            self.failed(service, "an injected failure")
            return
        known = () if said == "none" else tuple(found)
        self._failing.discard(service)
        self._lookups.labels(service, "ok" if known else "none").inc()
        self._good_at_s[service] = self._clock.now()
        if known != self._table.get(service):
            self._set(service, known)

    def failed(self, service: str, why: object) -> None:
        """There was no answer: keep the last good one, for a bounded time."""
        self._lookups.labels(service, "failed").inc()
        if service not in self._failing:
            self._failing.add(service)
            log.warning("cannot resolve %s: %s", service, why)
        age_s = self._clock.now() - self._good_at_s.get(service, self._clock.now())
        if age_s > self._keep_s and self._table.get(service):
            log.error("the endpoints of %s are %.0f s old and are dropped", service, age_s)
            self._set(service, ())

    def _set(self, service: str, known: tuple[str, ...]) -> None:
        self._table[service] = known
        self._known.labels(service).set(len(known))
