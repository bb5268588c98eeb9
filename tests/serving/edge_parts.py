"""What tests of faults between services share: time that a test moves, and what a client counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry

from teashop.serving.clock import SystemClock, VirtualClock

QUICK = {"timeout_s": 1.5, "connect_timeout_s": 1.0}
"""What is real of these is an exchange; faults, breakers and connections that a cut keeps from being
made run by the client's own clock, which stands still where a test has it so."""


def outcome(registry: CollectorRegistry, name: str) -> float:
    labels = {"target": "orders", "outcome": name}
    return registry.get_sample_value("teashop_attempts_total", labels) or 0.0


async def while_time_goes_on[T](clock: VirtualClock, work: Awaitable[T]) -> T:
    """What comes of `work`, which needs time to pass on a clock that stands still."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await clock.advance(0.05)
    return await task


async def until(done: Callable[[], object], bound_s: float = 10.0) -> None:
    clock = SystemClock()
    end_s = clock.now() + bound_s
    while not done():
        assert clock.now() < end_s, "not in time"
        await clock.sleep(0.01)
