"""The gateway as an application: its parts wired together from the settings."""

from __future__ import annotations

import random
from collections.abc import Callable

from prometheus_client import CollectorRegistry

from teashop.gateway import routes
from teashop.gateway.backlog import Backlog
from teashop.gateway.cache import IntentCache
from teashop.gateway.chat import chat
from teashop.gateway.door import guarded
from teashop.gateway.forward import forward
from teashop.gateway.menu import menu
from teashop.gateway.metrics import GatewayMetrics
from teashop.gateway.parts import Parts, bucket
from teashop.gateway.pressure import Pressure
from teashop.gateway.room import Room
from teashop.gateway.settings import GatewaySettings
from teashop.gateway.watch import Watch
from teashop.resilience.limit import AimdConfig, AimdLimit, FixedLimit, Limit
from teashop.resilience.queue import QueueConfig
from teashop.resilience.quota import QuotaConfig, Quotas
from teashop.resilience.waiting_room import WaitingRoom, WaitingRoomConfig
from teashop.serving.asgi import Router
from teashop.serving.client import ClientConfig, Outgoing
from teashop.serving.clock import Clock
from teashop.serving.faults import Faults
from teashop.serving.service import Service
from teashop.serving.wiring import outgoing

_NO_LIMIT = 1_000_000


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
    parts = build_parts(settings, clock, rng, registry, client_factory)
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
        faults=Faults(clock, rng),
        on_start=[parts.client.start, watch.start],
        on_stop=[parts.client.stop, watch.stop],
    )


def build_parts(
    settings: GatewaySettings,
    clock: Clock,
    rng: random.Random,
    registry: CollectorRegistry,
    client_factory: Callable[[], Outgoing] | None,
) -> Parts:
    """Everything the handlers share."""
    common = settings.common
    on = common.protections
    if client_factory is None:
        config = ClientConfig(timeout_s=settings.timeout_s, retries=settings.retries)
        client = outgoing(common, clock=clock, rng=rng, registry=registry, config=config)
    else:
        client = client_factory()
    return Parts(
        settings=settings,
        clock=clock,
        rng=rng,
        client=client,
        metrics=GatewayMetrics(registry),
        door=Pressure("gateway", on=on.priorities),
        ai=Pressure("inference", on=on.priorities),
        orders=Pressure("orders", on=on.priorities),
        ai_room=_ai_room(settings, clock),
        orders_room=_orders_room(settings, clock),
        ai_backlog=Backlog(floor_rps=4.0, cap_s=settings.retry_after_cap_s),
        orders_backlog=Backlog(floor_rps=10.0, cap_s=settings.retry_after_cap_s),
        quotas=Quotas(
            QuotaConfig(rate_rps=settings.quota_rps, burst=settings.quota_burst, max_users=50_000)
        ),
        tokens_menu=bucket(settings.menu_rps),
        tokens_ticket=bucket(settings.ticket_rps),
        cache=IntentCache(),
        waiting_room=WaitingRoom(WaitingRoomConfig(), settings.ticket_secret.encode()),
    )


def _ai_room(settings: GatewaySettings, clock: Clock) -> Room:
    on = settings.common.protections
    limit: Limit = FixedLimit(_NO_LIMIT)
    if on.admission:
        limit = AimdLimit(
            AimdConfig(
                initial=settings.ai_limit_initial,
                minimum=settings.ai_limit_min,
                maximum=settings.ai_limit_max,
                tolerance=settings.ai_tolerance,
            )
        )
    queue = QueueConfig(
        capacity=settings.ai_queue,
        target_s=settings.ai_queue_target_s,
        interval_s=settings.ai_queue_interval_s,
        codel=on.codel,
        adaptive_lifo=on.codel,
        priorities=on.priorities,
    )
    return Room("inference", limit, queue, wait_s=settings.ai_wait_s, clock=clock)


def _orders_room(settings: GatewaySettings, clock: Clock) -> Room:
    on = settings.common.protections
    limit: Limit = FixedLimit(_NO_LIMIT)
    if on.admission:
        limit = AimdLimit(
            AimdConfig(
                initial=settings.orders_limit_initial,
                minimum=settings.orders_limit_min,
                maximum=settings.orders_limit_max,
                tolerance=4.0,
            )
        )
    queue = QueueConfig(
        capacity=settings.orders_queue,
        target_s=0.1,
        interval_s=0.5,
        codel=on.codel,
        adaptive_lifo=False,
        priorities=on.priorities,
    )
    return Room("orders", limit, queue, wait_s=settings.orders_wait_s, clock=clock)
