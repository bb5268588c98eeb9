"""Delivery to dispatch: at least once, whatever dispatch does."""

from __future__ import annotations

import asyncio
import random

import pytest
from prometheus_client import CollectorRegistry

from teashop.orders.metrics import OrdersMetrics
from teashop.orders.model import State, order_id_of
from teashop.orders.relay import Relay
from teashop.orders.settings import RelaySettings
from teashop.serving.client import Unavailable
from teashop.serving.clock import VirtualClock, settle
from teashop.serving.database import DatabaseBusy

SETTINGS = RelaySettings()
GONE = Unavailable("dispatch", "dependency")


class Bench:
    """A relay over a SQLite ledger, all of it in one thread and on one virtual clock."""

    def __init__(self, ledger, dispatch, settings=SETTINGS):
        self.ledger = ledger
        self.dispatch = dispatch
        self.clock = VirtualClock()
        self.registry = CollectorRegistry()
        ledger.store._unix = ledger.outbox._unix = self.clock.unix
        self.relay = Relay(
            ledger.outbox,
            dispatch,
            settings=settings,
            clock=self.clock,
            rng=random.Random(7),
            metrics=OrdersMetrics(self.registry),
            in_thread=self.inline,
        )

    async def inline(self, work):
        return work()

    def outcomes(self, outcome):
        return self.registry.get_sample_value(
            "teashop_outbox_deliveries_total", {"outcome": outcome}
        )

    async def advance_until(self, condition, *, most_s=60.0):
        for _ in range(int(most_s / 0.05)):
            if condition():
                return
            await self.clock.advance(0.05)
        pytest.fail("it did not happen within the time")


@pytest.fixture
def bench(sqlite_dsn, open_ledger, dispatch):
    ledger = open_ledger(sqlite_dsn)
    yield Bench(ledger, dispatch)
    ledger.database.close()


def place(bench, make_cart, *keys):
    for key in keys:
        bench.ledger.store.place(make_cart(), key, eta_s=None)


async def test_a_confirmed_order_is_promised(bench, make_cart, answer):
    place(bench, make_cart, "a")
    bench.ledger.store.pay(order_id_of("a"), "p")
    bench.dispatch.script = [answer(201, {"promised_s": 42.0, "eta_s": 30.0})]
    done = await bench.relay.turn()
    assert (done.claimed, done.delivered, done.unreachable) == (1, 1, 0)
    view = bench.ledger.store.find(order_id_of("a"))
    assert view.state is State.ASSIGNED
    assert view.eta_s == pytest.approx(42.0)
    assert bench.dispatch.assignments == [
        {
            "order_id": order_id_of("a"),
            "shop": "shop-1",
            "drinks": 1,
            "placed_s": bench.clock.unix(),
        }
    ]
    assert bench.outcomes("delivered") == 1


async def test_a_receipt_without_an_eta_is_still_a_receipt(bench, make_cart, answer):
    place(bench, make_cart, "a", "b", "c")
    bench.dispatch.script = [answer(200, {}), answer(200, []), answer(201, {"eta_s": "soon"})]
    await bench.relay.turn()
    assert bench.ledger.outbox.pending() == 0
    assert bench.ledger.store.find(order_id_of("a")).eta_s is None


async def test_a_full_shop_is_asked_again_when_it_said(bench, make_cart, answer):
    place(bench, make_cart, "a")
    bench.dispatch.script = [answer(503, {}, Retry_After="7")]
    done = await bench.relay.turn()
    assert not done.is_down, "a refusal is an answer"
    assert bench.ledger.store.find(order_id_of("a")).eta_s is None
    await bench.clock.advance(6.9)
    assert (await bench.relay.turn()).claimed == 0
    await bench.clock.advance(0.1 + SETTINGS.backoff_cap_s)
    assert (await bench.relay.turn()).delivered == 1
    assert bench.outcomes("refused") == 1


@pytest.mark.parametrize("status", [404, 422, 500])
async def test_an_answer_that_is_no_receipt_gives_nothing_up(bench, make_cart, answer, status):
    place(bench, make_cart, "a")
    bench.dispatch.script = [answer(status, {})]
    await bench.relay.turn()
    assert bench.ledger.outbox.pending() == 1
    await bench.clock.advance(SETTINGS.backoff_cap_s)
    await bench.relay.turn()
    assert bench.ledger.outbox.pending() == 0


async def test_a_lost_answer_is_delivered_again(bench, make_cart):
    place(bench, make_cart, "a")
    bench.dispatch.script = [Unavailable("dispatch", "deadline")]  # it may well have arrived
    assert (await bench.relay.turn()).is_down
    await bench.clock.advance(SETTINGS.backoff_cap_s)
    await bench.relay.turn()
    assert bench.dispatch.delivered() == [order_id_of("a")] * 2
    assert bench.ledger.outbox.pending() == 0


async def test_a_relay_killed_after_delivering_delivers_again(bench, make_cart):
    place(bench, make_cart, "a")
    record, bench.ledger.outbox.record = bench.ledger.outbox.record, _raise_busy
    with pytest.raises(DatabaseBusy):
        await bench.relay.turn()
    bench.ledger.outbox.record = record
    assert (await bench.relay.turn()).claimed == 0, "the lease still holds"
    await bench.clock.advance(SETTINGS.lease_s + 0.1)
    assert (await bench.relay.turn()).delivered == 1
    assert bench.dispatch.delivered() == [order_id_of("a")] * 2


def _raise_busy(*_):
    raise DatabaseBusy("busy")


def test_backoff_grows_and_stays_below_its_cap():
    rng = random.Random(7)
    for attempt in (1, 2, 5, 10, 1000):
        drawn = [SETTINGS.backoff_s(attempt, rng) for _ in range(200)]
        bound = min(SETTINGS.backoff_cap_s, SETTINGS.backoff_base_s * 2 ** min(attempt - 1, 20))
        assert bound * 0.5 < max(drawn) <= bound


async def test_the_task_delivers_what_is_placed_and_wakes_for_it(bench, make_cart):
    await bench.relay.start()
    await settle()
    place(bench, make_cart, "a")
    bench.relay.wake()
    await settle(60)  # no time has to pass
    assert bench.ledger.outbox.pending() == 0
    place(bench, make_cart, "b")  # another replica's: nobody wakes this relay
    await bench.advance_until(lambda: bench.ledger.outbox.pending() == 0, most_s=1.0)
    await bench.relay.stop()


async def test_an_outage_is_knocked_at_gently_and_ends(bench, make_cart):
    place(bench, make_cart, *(f"k{i}" for i in range(8)))
    bench.dispatch.script = [GONE] * 80
    await bench.relay.start()
    started_s = bench.clock.now()
    await bench.advance_until(lambda: not bench.dispatch.script)
    assert bench.clock.now() - started_s > 3.0, "80 attempts took their time"
    assert bench.ledger.outbox.pending() == 8
    await bench.advance_until(lambda: bench.ledger.outbox.pending() == 0, most_s=10.0)
    assert set(bench.dispatch.delivered()) == {order_id_of(f"k{i}") for i in range(8)}
    await bench.relay.stop()


async def test_the_task_outlives_errors_of_the_database_and_its_own(bench, make_cart):
    place(bench, make_cart, "a")
    claim = bench.ledger.outbox.claim
    errors = [DatabaseBusy("busy"), RuntimeError("a bug")]

    def failing(limit, *, lease_s):
        if errors:
            raise errors.pop(0)
        return claim(limit, lease_s=lease_s)

    bench.ledger.outbox.claim = failing
    await bench.relay.start()
    await bench.advance_until(lambda: bench.ledger.outbox.pending() == 0)
    assert errors == []
    await bench.relay.stop()


async def test_stopping_finishes_the_turn_in_progress(bench, make_cart, dispatch, answer):
    place(bench, make_cart, "a")
    asked, go_on = asyncio.Event(), asyncio.Event()
    request = dispatch.request

    async def slow(*args, **options):
        asked.set()
        await go_on.wait()
        return await request(*args, **options)

    dispatch.request = slow
    await bench.relay.start()
    await asyncio.wait_for(asked.wait(), 10)
    stopping = asyncio.create_task(bench.relay.stop())
    await settle()
    assert not stopping.done()
    go_on.set()
    await asyncio.wait_for(stopping, 10)
    assert bench.ledger.outbox.pending() == 0


@pytest.mark.parametrize(
    "wrong", [{"poll_s": 0.0}, {"batch": 0}, {"lease_s": 1.0, "timeout_s": 2.0}]
)
def test_settings_that_cannot_be_meant(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RelaySettings(**wrong)
