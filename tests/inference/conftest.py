"""One replica over ASGI on a virtual clock, with CPU that only the tests' counter spends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from teashop.inference.app import create_app
from teashop.inference.settings import InferenceSettings
from teashop.serving.clock import VirtualClock
from teashop.serving.service import Service
from teashop.serving.settings import Common, Protections
from teashop.serving.testing import Called, call

UTTERANCE = "two large oolong milk teas, no sugar, no wait, make it three"
ORDER = {
    "drink": "oolong_milk_tea",
    "size": "large",
    "sugar": "none",
    "ice": "regular",
    "quantity": 3,
}


@dataclass
class Replica:
    """A started replica and the means to move its time."""

    app: Service
    clock: VirtualClock
    registry: CollectorRegistry
    cpu: list[float] = field(default_factory=list)

    def value(self, name: str, **labels: str) -> float:
        """A sample of the registry, which must exist."""
        if name.startswith("vllm:"):
            labels = {"model_name": "teashop-order-1", **labels}
        found = self.registry.get_sample_value(name, labels)
        assert found is not None, name
        return found

    def ask(
        self,
        utterance: str = UTTERANCE,
        *,
        headers: dict[str, str] | None = None,
        disconnect: asyncio.Event | None = None,
        **fields: object,
    ) -> "asyncio.Task[Called]":
        """Send a completion request in a task of its own."""
        body = {
            "model": "teashop-order-1",
            "messages": [{"role": "user", "content": utterance}],
            **fields,
        }
        request: Coroutine[object, object, Called] = call(
            self.app,
            "POST",
            "/v1/chat/completions",
            body=body,
            headers=headers or {},
            disconnect=disconnect,
        )
        return asyncio.ensure_future(request)

    async def loaded(self) -> "Replica":
        """Move past the start-up."""
        await self.clock.advance(1.0)
        return self


type Start = Callable[..., Coroutine[object, object, Replica]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a replica with the given settings and protections; all are stopped afterwards."""
    started: list[Service] = []

    async def make(*, protections: Protections | None = None, **knobs: object) -> Replica:
        common = Common(
            service="inference", seed=7, protections=protections or Protections.all_on()
        )
        plain = InferenceSettings(common=common, deadline_margin_s=0.0)
        settings = replace(plain, **knobs)  # type: ignore[arg-type]  # knobs by name
        clock, registry, cpu = VirtualClock(), CollectorRegistry(), [0.0]

        def cpu_s() -> float:
            cpu[0] += 0.0001
            return cpu[0]

        app = create_app(settings, clock=clock, rng=Random(1), registry=registry, cpu_s=cpu_s)
        await app.start()
        started.append(app)
        return Replica(app=app, clock=clock, registry=registry, cpu=cpu)

    yield make
    for app in started:
        await app.stop()
