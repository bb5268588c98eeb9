"""Replicas of dispatch to test on, on virtual time where they are whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from teashop.dispatch.app import create_app
from teashop.dispatch.crier import Crier
from teashop.dispatch.desk import Asked, Desk
from teashop.dispatch.rounds import Report, Rounds
from teashop.dispatch.settings import DispatchSettings
from teashop.dispatch.street import Street
from teashop.serving.clock import VirtualClock
from teashop.serving.database import Database
from teashop.serving.service import Service

NOW_S = 1_700_000_000.0


class HereAndNow(Executor):
    """Does the work on the caller's thread, so that a virtual clock is all the time there is."""

    def submit[**P, T](self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the future carries it
            future.set_exception(error)
        return future


@dataclass
class Replica:
    """One replica without its HTTP side."""

    settings: DispatchSettings
    street: Street
    database: Database
    desk: Desk
    rounds: Rounds

    def ask(self, order_id: str, shop: str = "shop-1", drinks: int = 1) -> Asked:
        return Asked(order_id=order_id, shop=shop, drinks=drinks)

    def go_round(self, now_s: float, refused: dict[str, float] | None = None) -> Report:
        report = self.database.write(lambda c: self.rounds.run(c, now_s, refused or {}))
        self.rounds.committed()
        return report


def open_replica(settings: DispatchSettings, *, me: str = "a") -> Replica:
    street = Street.of(settings)
    database = Database(
        settings.dsn,
        connections=8,
        lock_timeout_s=10.0,
        attempts=3,
        rng=random.Random(me),
        name="dispatch",
    )
    rounds = Rounds(
        street,
        Crier.of(settings, street),
        me=me,
        lease_s=settings.lease_s,
        ahead_s=settings.run_s(settings.revise_ahead_minutes),
    )
    desk = Desk(database, street)
    desk.prepare(NOW_S)
    return Replica(settings, street, database, desk, rounds)


@pytest.fixture
def replica() -> Iterator[Callable[..., Replica]]:
    """Opens replicas and closes their databases afterwards."""
    opened: list[Replica] = []

    def open_one(settings: DispatchSettings, *, me: str = "a") -> Replica:
        opened.append(open_replica(settings, me=me))
        return opened[-1]

    yield open_one
    for one in opened:
        one.database.close()


@pytest.fixture
def app_of(tmp_path: Path) -> Callable[..., tuple[Service, VirtualClock]]:
    """Makes applications on a virtual clock that share one SQLite file."""

    def make(
        *, clock: VirtualClock | None = None, name: str = "a", **changes: Any
    ) -> tuple[Service, VirtualClock]:
        settings = DispatchSettings(dsn=f"sqlite:///{tmp_path}/street.db", **changes)
        settings = replace(settings, common=replace(settings.common, replica=name))
        clock = clock or VirtualClock()
        app = create_app(
            settings,
            clock=clock,
            rng=random.Random(f"1/{name}"),
            registry=CollectorRegistry(),
            executor=HereAndNow(),
        )
        return app, clock

    return make
