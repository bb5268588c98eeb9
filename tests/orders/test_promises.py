"""Promises that dispatch tells anew reach an order's status: on SQLite and on PostgreSQL."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from tests.conftest import EXAMPLES
from tests.orders.shop import more_time_for_threads

from teashop.orders.app import create_app
from teashop.orders.follow import Follower, read_revisions
from teashop.orders.metrics import OrdersMetrics
from teashop.orders.model import State, order_id_of
from teashop.orders.outbox import Receipt
from teashop.orders.promises import Promises, Revised
from teashop.orders.settings import OrdersSettings
from teashop.serving.client import Unavailable
from teashop.serving.clock import VirtualClock, settle
from teashop.serving.settings import Common
from teashop.serving.testing import call

ORDER = order_id_of("k1")


@pytest.fixture
def promised(ledger, make_cart):
    """An order that is to be there in thirty seconds."""
    ledger.store.place(make_cart(), "k1", eta_s=None)
    ledger.outbox.record([Receipt(order_id=ORDER, eta_s=30.0)], [])
    return ledger


def revised(ledger, number: int, in_s: float, revisions: int, order_id: str = ORDER) -> Revised:
    return Revised(
        id=number,
        order_id=order_id,
        promised_at_s=ledger.wall.now_s + in_s,
        revisions=revisions,
    )


def test_a_revised_promise_is_what_the_status_tells(promised):
    promises = Promises(promised.database)
    assert promises.seen() == 0
    assert promises.revise([revised(promised, 4, 90.0, 1)]) == 1
    assert promised.store.find(ORDER).eta_s == pytest.approx(90.0)
    assert promised.read()["orders"][0]["revisions"] == 1
    assert promises.seen() == 4


def test_what_is_told_twice_or_late_changes_nothing(promised):
    promises = Promises(promised.database)
    later = revised(promised, 7, 120.0, 2)
    assert promises.revise([later]) == 1
    assert promises.revise([revised(promised, 4, 90.0, 1), later]) == 0
    assert promised.store.find(ORDER).eta_s == pytest.approx(120.0)
    assert promises.seen() == 7


def test_a_receipt_that_comes_after_the_revision_does_not_undo_it(ledger, make_cart):
    ledger.store.place(make_cart(), "k1", eta_s=None)
    ledger.store.pay(ORDER, "p")
    Promises(ledger.database).revise([revised(ledger, 1, 90.0, 1)])
    assert ledger.store.find(ORDER).state is State.ASSIGNED
    ledger.outbox.record([Receipt(order_id=ORDER, eta_s=30.0)], [])
    view = ledger.store.find(ORDER)
    assert (view.state, view.eta_s) == (State.ASSIGNED, pytest.approx(90.0))
    assert ledger.outbox.pending() == 0


def test_an_order_of_another_ledger_is_passed_over(promised):
    promises = Promises(promised.database)
    assert promises.revise([revised(promised, 3, 90.0, 1, order_id="somebody-elses")]) == 0
    assert promises.seen() == 3
    assert promises.revise([]) == 0


def test_another_replica_goes_on_where_the_first_stopped(open_replica):
    one, two = open_replica(), open_replica()
    Promises(one.database).revise([revised(one, 9, 1.0, 1)])
    assert Promises(two.database).seen() == 9


@settings(
    max_examples=max(25, EXAMPLES // 2),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(order=st.permutations(range(1, 6)), again=st.lists(st.integers(1, 5), max_size=5))
def test_in_whatever_order_they_come_the_last_revision_stands(
    sqlite_dsn, open_ledger, order, again
):
    ledger = open_ledger(sqlite_dsn)
    key = f"k{random.Random(str((order, again))).random()}"
    name = order_id_of(key)
    with ledger.database.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into orders (order_id, key, user, shop, items, quantity, total_fen, coupon,"
            " state, created_s, revisions) values (?, ?, 'u', 's', x'', 1, 1, 0, 'placed', 0, 0)"
            " on conflict do nothing",
            (name, key),
        )
    promises = Promises(ledger.database)
    for number in [*order, *again]:
        promises.revise([revised(ledger, number, 10.0 * number, number, order_id=name)])
    assert ledger.store.find(name).eta_s == pytest.approx(50.0)
    ledger.database.close()


class Bench:
    """A follower over a ledger, in one thread and on one virtual clock."""

    def __init__(self, ledger, dispatch):
        self.clock = VirtualClock()
        self.registry = CollectorRegistry()
        ledger.store._unix = self.clock.unix
        self.follower = Follower(
            Promises(ledger.database),
            dispatch,
            poll_s=1.0,
            clock=self.clock,
            metrics=OrdersMetrics(self.registry),
            in_thread=self.inline,
        )

    async def inline(self, work):
        return work()


def row(number: int, promised_at: float, revisions: int = 1) -> dict[str, object]:
    return {"id": number, "order_id": ORDER, "promised_at": promised_at, "revisions": revisions}


async def test_it_asks_for_what_is_new_and_again_at_once_while_there_is_more(promised, dispatch):
    bench = Bench(promised, dispatch)
    dispatch.revised = [row(5, bench.clock.unix() + 90.0)]
    await bench.follower.start()
    await settle()
    assert dispatch.followed == [0, 5]
    assert promised.store.find(ORDER).eta_s == pytest.approx(90.0)
    dispatch.revised.append(row(6, bench.clock.unix() + 200.0, 2))
    await bench.clock.advance(1.1)
    assert promised.store.find(ORDER).eta_s == pytest.approx(198.9)
    assert dispatch.followed == [0, 5, 5, 6]
    labels = {"state": "repromised"}
    assert bench.registry.get_sample_value("teashop_orders_total", labels) == 2
    await bench.follower.stop()


@pytest.mark.parametrize("trouble", ["gone", "error", "nonsense"])
async def test_a_dispatch_in_trouble_is_asked_again(promised, dispatch, answer, trouble):
    bench = Bench(promised, dispatch)
    dispatch.revisions = {
        "gone": Unavailable("dispatch", "dependency"),
        "error": answer(500, {}),
        "nonsense": answer(200, {"revisions": [{"id": 1}]}),
    }[trouble]
    await bench.follower.start()
    await bench.clock.advance(3.0)
    assert dispatch.followed == [0, 0, 0, 0]
    dispatch.revisions = None
    dispatch.revised = [row(1, bench.clock.unix() + 60.0)]
    await bench.clock.advance(1.1)
    assert promised.store.find(ORDER).eta_s == pytest.approx(58.9, abs=1.2)
    await bench.follower.stop()


@pytest.mark.parametrize("body", [[], {}, {"revisions": 3}, {"revisions": [{"id": "x"}]}, "text"])
def test_an_answer_that_is_none_says_nothing(answer, body):
    assert read_revisions(answer(200, body)) == []


async def test_the_service_follows_by_itself(sqlite_dsn, dispatch, make_body):
    clock = VirtualClock()
    app = create_app(
        OrdersSettings(common=Common(service="orders"), dsn=sqlite_dsn),
        clock=clock,
        rng=random.Random(3),
        registry=CollectorRegistry(),
        client_factory=lambda: dispatch,
    )
    await app.start()

    async def eta_s() -> float | None:
        return (await call(app, "GET", f"/orders/{ORDER}")).json()["eta_s"]

    async def until(wanted) -> None:
        for step in range(400):
            if wanted(await eta_s()):
                return
            await clock.advance(0.1)
            await more_time_for_threads(step)
        raise AssertionError(f"it stayed at {await eta_s()}")

    try:
        key = {"Idempotency-Key": "k1"}
        assert (await call(app, "POST", "/orders", body=make_body(), headers=key)).status == 201
        await until(lambda seconds: seconds is not None)
        dispatch.revised = [row(1, clock.unix() + 1000.0)]
        await until(lambda seconds: seconds > 900)
    finally:
        await app.stop()
