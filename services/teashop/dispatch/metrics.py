"""What dispatch exports."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from teashop.dispatch.rounds import Report
from teashop.dispatch.shop_rows import Standing


class Metrics:
    """Shops as this replica sees them, and what it did itself (sum counters over replicas)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._queue = Gauge(
            "teashop_shop_queue", "Drinks accepted and not made", ["shop"], registry=registry
        )
        self._paused = Gauge(
            "teashop_shop_paused", "1 while the shop takes no orders", ["shop"], registry=registry
        )
        self._couriers = Gauge(
            "teashop_shop_couriers_away", "Couriers on a trip", ["shop"], registry=registry
        )
        self._leader = Gauge(
            "teashop_dispatch_leader",
            "1 while this replica looks after the street",
            registry=registry,
        )
        self._notices = Counter(
            "teashop_notices", "Notices that went out, by kind", ["kind"], registry=registry
        )
        self._assignments = Counter(
            "teashop_assignments",
            "Answers to POST /assignments: accepted, repeated, paused, full",
            ["outcome"],
            registry=registry,
        )
        self._revised = Counter("teashop_promises_revised", "Promises told anew", registry=registry)
        for kind in ("crowd", "withdrawn", "paused", "resumed"):
            self._notices.labels(kind)
        for outcome in ("accepted", "repeated", "paused", "full"):
            self._assignments.labels(outcome)

    def saw(self, standings: Iterable[Standing], now_s: float) -> None:
        """Show the shops."""
        for standing in standings:
            shop = standing.shop
            self._queue.labels(shop.name).set(shop.queue)
            self._paused.labels(shop.name).set(shop.paused)
            self._couriers.labels(shop.name).set(standing.couriers.away(now_s))

    def reported(self, report: Report) -> None:
        """Count what a round did."""
        self._leader.set(report.led)
        self._revised.inc(report.revised)
        for kind, count in report.notices.items():
            self._notices.labels(kind).inc(count)

    def answered(self, outcome: str) -> None:
        """Count an answer to POST /assignments."""
        self._assignments.labels(outcome).inc()

    def told(self, kinds: Iterable[str]) -> None:
        """Count notices that went out with an assignment."""
        for kind in kinds:
            self._notices.labels(kind).inc()
