"""Dispatch as an application: rules, database, routes and the ticker, wired together."""

from __future__ import annotations

import os
import random
from concurrent.futures import Executor, ThreadPoolExecutor

from prometheus_client import CollectorRegistry

from teashop.dispatch.books import Books
from teashop.dispatch.crier import Crier
from teashop.dispatch.desk import Desk
from teashop.dispatch.handlers import Handlers
from teashop.dispatch.metrics import Metrics
from teashop.dispatch.pool import Pool
from teashop.dispatch.rounds import Rounds
from teashop.dispatch.settings import DispatchSettings
from teashop.dispatch.street import Street
from teashop.dispatch.ticker import Ticker
from teashop.dispatch.view import View
from teashop.resilience.retry_after import RetryAfter, RetryAfterConfig
from teashop.serving.clock import Clock
from teashop.serving.database import Database, DatabaseUnavailable
from teashop.serving.faults import Faults
from teashop.serving.patience import patiently
from teashop.serving.router import Router
from teashop.serving.service import Service

_ATTEMPTS = 3
"""Tries of a transaction that met a conflict; the rounds come again anyway."""


def create_app(
    settings: DispatchSettings,
    *,
    clock: Clock,
    rng: random.Random,
    registry: CollectorRegistry,
    client_factory: object = None,  # noqa: ARG001 - dispatch calls nobody
    executor: Executor | None = None,
) -> Service:
    """The dispatch service.

    Args:
        client_factory: taken because every service takes one; dispatch calls no other service.
        executor: does the blocking database work; threads of its own by default.
    """
    street = Street.of(settings)
    database = Database(
        settings.dsn,
        connections=settings.database_threads,
        lock_timeout_s=settings.lock_timeout_s,
        attempts=_ATTEMPTS,
        rng=random.Random(rng.random()),  # used by threads, whose order must not turn the others
        name="dispatch",
    )
    threads = executor or ThreadPoolExecutor(
        settings.database_threads, thread_name_prefix="dispatch-database"
    )
    pool = Pool(threads, waiting=settings.waiting, clock=clock)
    desk = Desk(database, street)
    view = View(street)
    metrics = Metrics(registry)
    # Two processes with one replica's name must not both believe that they lead.
    me = f"{settings.common.replica}/{os.getpid()}/{rng.getrandbits(32):08x}"
    crier = Crier.of(settings, street)
    ticker = Ticker(
        database=database,
        rounds=Rounds(
            street,
            crier,
            me=me,
            lease_s=settings.lease_s,
            ahead_s=settings.run_s(settings.revise_ahead_minutes),
        ),
        pool=pool,
        view=view,
        metrics=metrics,
        clock=clock,
        tick_s=settings.tick_s,
        me=me,
    )
    waits = RetryAfter(RetryAfterConfig(maximum_s=settings.retry_after_max_s))
    router = Router()
    Handlers(
        desk=desk,
        books=Books(database, street),
        view=view,
        street=street,
        pool=pool,
        clock=clock,
        metrics=metrics,
        deadlines=settings.common.protections.deadlines,
        retry_after_s=lambda drinks: waits.seconds(drinks, street.rules.drinks_per_s, rng),
    ).routes(router)

    async def open_street() -> None:
        await patiently(
            lambda: pool.run_anyway(lambda: desk.prepare(clock.unix())),
            unless=DatabaseUnavailable,
            within_s=settings.database_wait_s,
            clock=clock,
        )
        view.see(await pool.run_anyway(desk.standings))
        ticker.start()

    async def close_street() -> None:
        await ticker.stop()
        pool.close()
        database.close()

    return Service(
        name="dispatch",
        replica=settings.common.replica,
        router=router,
        registry=registry,
        clock=clock,
        faults=Faults(clock, rng),
        on_start=[open_street],
        on_stop=[close_street],
    )
