"""A gateway in memory: virtual time, a scripted outgoing client."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import cast

import orjson
import pytest
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry

from teashop.gateway.app import create_app
from teashop.gateway.settings import GatewaySettings
from teashop.serving.client import Answer, Outgoing
from teashop.serving.clock import VirtualClock
from teashop.serving.service import Service
from teashop.serving.settings import Common, Protections
from teashop.serving.testing import Called, call

ORDER = {"drink": "taro_milk_tea", "size": "large", "sugar": "less", "ice": "none", "quantity": 2}


def ai_answer(order: object = ORDER, seconds: float = 0.4) -> Answer:
    """What inference says when it understood."""
    content = orjson.dumps(order).decode()
    body = orjson.dumps({"choices": [{"message": {"content": content}}]})
    return Answer(200, body, CIMultiDict({"X-Sequence-Seconds": f"{seconds}"}))


def refused(reason: str = "queue_full", by: str = "inference") -> Answer:
    """What a service says when it sheds."""
    return Answer(
        503, b"{}", CIMultiDict({"X-Refusal": reason, "X-Refused-For": by, "Retry-After": "2"})
    )


@dataclass
class Asked:
    """One request that the gateway sent."""

    service: str
    method: str
    path: str
    body: bytes
    headers: dict[bytes, bytes]
    deadline_s: float | None


@dataclass
class FakeClient:
    """Answers as the test says and remembers what was asked."""

    answer: Callable[[Asked], Awaitable[Answer]]
    asked: list[Asked] = field(default_factory=list)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def request(
        self, service, method, path, *, body=b"", headers=(), deadline_s=None, **_
    ) -> Answer:
        asked = Asked(service, method, path, body, dict(headers), deadline_s)
        self.asked.append(asked)
        return await self.answer(asked)


@dataclass
class Shop:
    """The gateway under test."""

    app: Service
    clock: VirtualClock
    client: FakeClient
    registry: CollectorRegistry

    async def chat(self, text: str = "something nice, I trust you", **headers: str) -> Called:
        names = {k.replace("_", "-"): v for k, v in headers.items()}
        return await call(self.app, "POST", "/chat", body={"utterance": text}, headers=names)

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


type MakeShop = Callable[..., Shop]


@pytest.fixture
def make_shop() -> MakeShop:
    """Builds a gateway from the given answers, protections and settings."""

    def make(answer, *, protections: Protections | None = None, **settings: object) -> Shop:
        clock = VirtualClock()
        client = FakeClient(answer)
        registry = CollectorRegistry()
        common = Common(
            service="gateway", replica="gateway-7", protections=protections or Protections()
        )
        app = create_app(
            replace(GatewaySettings(common=common), **settings),
            clock=clock,
            rng=random.Random(5),
            registry=registry,
            client_factory=lambda: cast("Outgoing", client),
        )
        return Shop(app, clock, client, registry)

    return make
