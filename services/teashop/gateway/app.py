"""The gateway as an application: its parts wired together from the settings."""

from __future__ import annotations

import random
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from teashop.gateway import routes
from teashop.gateway.cache import IntentCache
from teashop.gateway.chat import chat
from teashop.gateway.door import guarded
from teashop.gateway.forward import forward
from teashop.gateway.menu import menu
from teashop.gateway.metrics import GatewayMetrics
from teashop.gateway.parts import Parts
from teashop.gateway.room import Room, Waiter, admit, refuse
from teashop.gateway.settings import GatewaySettings
from teashop.gateway.watch import Watch
from teashop.resilience.front import Front
from teashop.resilience.way import Way
from teashop.serving.client import ClientConfig, Outgoing
from teashop.serving.clock import Clock
from teashop.serving.edges import EdgeFaults
from teashop.serving.faults import Faults
from teashop.serving.router import Router
from teashop.serving.service import Service
from teashop.serving.wiring import outgoing


def create_app(
    settings: GatewaySettings,
    *,
    clock: Clock,
    rng: random.Random,
    registry: CollectorRegistry,
    client_factory: Callable[[], Outgoing] | None = None,
) -> Service:
    """The gateway.

    Args:
        client_factory: makes the outgoing client, for tests; by default it is built from the
            settings.
    """
    faults = Faults(clock, rng)
    parts = build_parts(settings, clock, rng, registry, client_factory, faults.edges)
    watch = Watch(parts)
    router = Router()
    forwarded = forward(parts)
    for route in routes.ROUTES:
        inside = {"chat": chat(parts), "menu": menu(parts)}.get(route.name, forwarded)
        router.add(route.method, route.path, guarded(parts, route, inside))
    return Service(
        name="gateway",
        replica=settings.common.replica,
        router=router,
        registry=registry,
        clock=clock,
        faults=faults,
        on_start=[parts.client.start, watch.start],
        on_stop=[parts.client.stop, watch.stop],
    )


def build_parts(
    settings: GatewaySettings,
    clock: Clock,
    rng: random.Random,
    registry: CollectorRegistry,
    client_factory: Callable[[], Outgoing] | None,
    edges: EdgeFaults,
) -> Parts:
    """Everything the handlers share."""
    common = settings.common
    on = common.protections
    if client_factory is None:
        config = ClientConfig(timeout_s=settings.timeout_s, retries=settings.retries)
        client = outgoing(
            common, clock=clock, rng=rng, registry=registry, edges=edges, config=config
        )
    else:
        client = client_factory()
    front: Front[Waiter] = Front(settings, on, admit=admit, refuse=refuse)
    return Parts(
        settings=settings,
        clock=clock,
        rng=rng,
        client=client,
        metrics=GatewayMetrics(registry),
        front=front,
        ai_room=Room(front.ai_room, wait_s=settings.ai_wait_s, clock=clock),
        orders_room=Room(front.orders_room, wait_s=settings.orders_wait_s, clock=clock),
        cache=IntentCache(),
        ai_way=Way(),
    )
