"""What the gateway counts: the demand, what became of it, and the limits in force.

Shedding hides demand from CPU, so offered load and in-flight are exported for autoscalers.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class GatewayMetrics:
    """The gateway's own series. Hot children are looked up once and kept."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.offered = Counter(
            "teashop_offered", "Requests that arrived", ["route", "criticality"], registry=registry
        )
        self.admitted = Counter(
            "teashop_admitted",
            "Requests that got past the door",
            ["route", "criticality"],
            registry=registry,
        )
        self.refused = Counter(
            "teashop_refused",
            "Requests refused, by reason and by what was scarce",
            ["route", "criticality", "reason", "refused_for"],
            registry=registry,
        )
        self.answers = Counter(
            "teashop_answers", "Answers by rung", ["route", "rung", "status"], registry=registry
        )
        self.in_flight = Gauge(
            "teashop_in_flight", "Requests a dependency holds", ["dependency"], registry=registry
        )
        self.limit = Gauge(
            "teashop_limit", "The concurrency limit in force", ["dependency"], registry=registry
        )
        self.queue = Gauge(
            "teashop_queue", "Requests waiting for a place", ["dependency"], registry=registry
        )
        self.level = Gauge(
            "teashop_shed_level",
            "The criticality level being shed",
            ["dependency"],
            registry=registry,
        )
        self.share = Gauge(
            "teashop_shed_share",
            "The share of that level still admitted",
            ["dependency"],
            registry=registry,
        )
        self.lag = Gauge(
            "teashop_loop_lag_seconds", "How late the event loop wakes", registry=registry
        )
        self.tickets = Counter(
            "teashop_tickets", "Waiting-room tickets", ["event"], registry=registry
        )
        self.answer_seconds = Histogram(
            "teashop_answer_seconds",
            "From the arrival to the answer",
            ["route"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=registry,
        )
