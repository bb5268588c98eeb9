"""The orders service, started in virtual time, as a caller meets it."""

from __future__ import annotations

import asyncio
import random

import pytest
from prometheus_client import CollectorRegistry

from teashop.orders.app import create_app
from teashop.orders.settings import OrdersSettings
from teashop.serving.clock import SystemClock, VirtualClock
from teashop.serving.settings import Common
from teashop.serving.testing import call


async def more_time_for_threads(step: int) -> None:
    """Virtual time costs nothing: hundreds of steps of it may pass before a thread has its turn."""
    if step > 100:
        await SystemClock().sleep(0.05)


class Shop:
    """The service, started, with a dispatch of ours behind it."""

    def __init__(self, dsn, dispatch, *, protections, **settings):
        self.clock = VirtualClock()
        self.registry = CollectorRegistry()
        self.dispatch = dispatch
        self.app = create_app(
            OrdersSettings(
                common=Common(service="orders", replica="o-1", protections=protections),
                dsn=dsn,
                **settings,
            ),
            clock=self.clock,
            rng=random.Random(3),
            registry=self.registry,
            client_factory=lambda: dispatch,
        )

    async def checkout(self, body, key="k1", **headers):
        named = {"Idempotency-Key": key, **{n.replace("_", "-"): v for n, v in headers.items()}}
        return await call(self.app, "POST", "/orders", body=body, headers=named)

    async def pay(self, order_id, key="p1"):
        path = f"/orders/{order_id}/payment"
        return await call(self.app, "POST", path, headers={"Idempotency-Key": key})

    async def status(self, order_id):
        return await call(self.app, "GET", f"/orders/{order_id}")

    async def audit(self):
        return (await call(self.app, "GET", "/audit")).json()

    async def metric(self, line):
        text = (await call(self.app, "GET", "/metrics")).body.decode()
        found = [row for row in text.splitlines() if row.startswith(f"{line} ")]
        return float(found[0].split()[-1]) if found else None

    async def until(self, condition):
        for step in range(400):
            if await condition():
                return
            await self.clock.advance(0.05)
            await asyncio.to_thread(int)  # a real turn of a real thread
            await more_time_for_threads(step)
        pytest.fail("it did not happen")
