"""What tests of faults between services share: a quick client's settings, and what it counted."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from teashop.serving.clock import SystemClock

QUICK = {"timeout_s": 0.4, "connect_timeout_s": 0.1}


def outcome(registry: CollectorRegistry, name: str) -> float:
    labels = {"target": "orders", "outcome": name}
    return registry.get_sample_value("teashop_attempts_total", labels) or 0.0


async def until(done, bound_s: float = 10.0) -> None:
    clock = SystemClock()
    end_s = clock.now() + bound_s
    while not done():
        assert clock.now() < end_s, "not in time"
        await clock.sleep(0.01)
