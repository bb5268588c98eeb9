"""Puts the orders service together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry

from teashop.orders.audit import Audit
from teashop.orders.audit_stream import AuditStream
from teashop.orders.client import Client
from teashop.orders.follow import Follower
from teashop.orders.handlers import OrdersApi
from teashop.orders.metrics import OrdersMetrics
from teashop.orders.outbox import Outbox
from teashop.orders.promises import Promises
from teashop.orders.quotes import Quotes
from teashop.orders.relay import Relay
from teashop.orders.settings import OrdersSettings
from teashop.orders.store import OrderStore, Terms
from teashop.orders.threads import in_thread_of
from teashop.orders.transactions import Transactions
from teashop.orders.watch import Watch
from teashop.orders.workers import Workers, WorkersConfig
from teashop.serving.clock import Clock
from teashop.serving.database import Database, DatabaseUnavailable
from teashop.serving.faults import Faults
from teashop.serving.patience import patiently
from teashop.serving.service import Service
from teashop.serving.wiring import outgoing

_OTHER_CONNECTIONS = 2
"""Beside the request threads': the background's and the audit's."""


def create_app(
    settings: OrdersSettings,
    *,
    clock: Clock,
    rng: random.Random,
    registry: CollectorRegistry,
    client_factory: Callable[[], Client] | None = None,
) -> Service:
    """The orders service as an ASGI application; nothing is opened before its start hooks.

    Args:
        client_factory: makes the client towards dispatch; without it, the shop's outgoing client.
    """
    common = settings.common
    metrics = OrdersMetrics(registry)
    faults = Faults(clock, rng)
    database = Database(
        settings.dsn,
        connections=settings.database_threads + _OTHER_CONNECTIONS,
        lock_timeout_s=settings.lock_timeout_s,
        attempts=settings.transaction_attempts,
        rng=random.Random(rng.random()),  # used by threads, whose order must not turn the others
        name="orders",
    )
    terms = Terms(
        coupon_budget=settings.coupon_budget,
        coupon_fen=settings.coupon_fen,
        stock_per_drink=settings.stock_per_drink,
    )
    store = OrderStore(database, terms, unix=clock.unix)
    outbox = Outbox(database, unix=clock.unix)
    audit = Audit(database)
    client = (
        outgoing(common, clock=clock, rng=rng, registry=registry, edges=faults.edges)
        if client_factory is None
        else client_factory()
    )
    workers = Workers(
        WorkersConfig(
            threads=settings.database_threads,
            waiting=settings.waiting,
            priorities=common.protections.priorities,
            deadlines=common.protections.deadlines,
        ),
        clock=clock,
        observe=lambda operation, seconds: metrics.db_seconds.labels(operation).observe(seconds),
    )
    metrics.db_waiting.set_function(lambda: float(workers.waiting))
    background, auditing = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    in_thread = in_thread_of(background)
    relay = Relay(
        outbox,
        client,
        settings=settings.relay,
        clock=clock,
        rng=rng,
        metrics=metrics,
        in_thread=in_thread,
    )
    follower = Follower(
        Promises(database),
        client,
        clock=clock,
        metrics=metrics,
        in_thread=in_thread,
    )
    watch = Watch(audit, outbox, clock=clock, metrics=metrics, in_thread=in_thread)
    quotes = Quotes(
        client, clock=clock, timeout_s=settings.quote_timeout_s, ttl_s=settings.quote_ttl_s
    )
    api = OrdersApi(
        store,
        audit,
        AuditStream(audit, in_thread_of(auditing)),
        Transactions(
            workers,
            rng=rng,
            metrics=metrics,
            default_deadline_s=settings.default_deadline_s,
            max_deadline_s=settings.max_deadline_s,
        ),
        quotes=quotes if common.protections.backpressure else None,
        metrics=metrics,
        placed=relay.wake,
    )

    async def open_store() -> None:
        await patiently(
            lambda: in_thread(store.open),
            unless=DatabaseUnavailable,
            within_s=settings.database_wait_s,
            clock=clock,
        )

    async def close_database() -> None:
        loop = asyncio.get_running_loop()
        for pool in (background, auditing):
            await loop.run_in_executor(None, pool.shutdown)
        database.close()

    return Service(
        name="orders",
        replica=common.replica,
        router=api.router(),
        registry=registry,
        clock=clock,
        faults=faults,
        on_start=[open_store, client.start, watch.start, relay.start, follower.start],
        # Run from the last to the first: no new deliveries, then the last transactions.
        on_stop=[close_database, client.stop, workers.close, watch.stop, relay.stop, follower.stop],
    )
