"""What a service exports of its attempts towards others, registered once for each replica."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)


class AttemptMetrics:
    """Counters, times and gauges by name; safe to use from any thread."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.attempts = Counter(
            "teashop_attempts",
            "Attempts towards another service, by outcome",
            ["target", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "teashop_attempt_seconds",
            "Time until an attempt towards another service was answered",
            ["target"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.retries = Counter(
            "teashop_retries",
            "Attempts after the first of a request",
            ["target"],
            registry=registry,
        )
        self.breakers_open = Gauge(
            "teashop_breakers_open",
            "Endpoints whose breaker lets nothing through",
            ["target"],
            registry=registry,
        )
        self.edge_faults = Gauge(
            "teashop_edge_faults",
            "Faults in force between this service and those that it calls",
            registry=registry,
        )
