"""The metrics that orders exports, registered once for each replica."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_DB_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class OrdersMetrics:
    """Counters and gauges by name; safe to use from any thread.

    The gauges tell of the shared database: every replica shows the same value, so take the
    maximum over replicas, never the sum.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.orders = Counter(
            "teashop_orders",
            "Orders that reached a state through this replica; replayed: first answers given again; "
            "repromised: promised anew by dispatch",
            ["state"],
            registry=registry,
        )
        self.refused = Counter(
            "teashop_orders_refused",
            "Requests that this replica refused, by reason and criticality",
            ["reason", "criticality"],
            registry=registry,
        )
        self.deliveries = Counter(
            "teashop_outbox_deliveries",
            "Attempts to hand an order to dispatch, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.coupons_left = Gauge(
            "teashop_coupons_left", "Coupons that can still be given", registry=registry
        )
        self.outbox_pending = Gauge(
            "teashop_outbox_pending", "Orders that dispatch has not confirmed", registry=registry
        )
        self.db_waiting = Gauge(
            "teashop_db_waiting", "Requests waiting for a database thread", registry=registry
        )
        self.db_seconds = Histogram(
            "teashop_db_seconds",
            "Time of one transaction on its thread, retries included",
            ["operation"],
            buckets=_DB_BUCKETS,
            registry=registry,
        )
