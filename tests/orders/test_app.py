"""The service as its callers meet it, over ASGI."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from tests.orders.shop import Shop

from teashop.orders.model import order_id_of
from teashop.orders.settings import OrdersSettings
from teashop.serving.clock import settle
from teashop.serving.settings import Protections
from teashop.serving.testing import call


@pytest.fixture
async def open_shop(dsn, dispatch):
    shops = []

    async def opener(*, protections=None, **settings):
        shop = Shop(dsn, dispatch, protections=protections or Protections.all_on(), **settings)
        await shop.app.start()
        shops.append(shop)
        return shop

    yield opener
    for shop in shops:
        await shop.app.stop()


def accepting(answer, **more):
    return answer(200, {"accepting": True, "eta_s": 33.0, "paused": False, **more})


async def test_an_order_from_checkout_to_its_promise(open_shop, make_body, answer):
    shop = await open_shop(coupon_budget=5)
    shop.dispatch.quote = accepting(answer)
    placed = await shop.checkout(make_body(coupon=True))
    assert placed.status == 201
    order = placed.json()
    assert order["state"] == "placed"
    assert order["coupon"] is True
    assert order["eta_s"] == 33.0
    assert "idempotency-replayed" not in placed.headers
    paid = await shop.pay(order["order_id"])
    assert (paid.status, paid.json()) == (200, {"order_id": order["order_id"], "state": "paid"})

    async def assigned():
        return (await shop.status(order["order_id"])).json()["state"] == "assigned"

    await shop.until(assigned)
    assert (await shop.status(order["order_id"])).json()["eta_s"] > 0
    ledger = await shop.audit()
    assert ledger["outbox"] == {"pending": 0, "delivered": 1}
    assert ledger["coupons"] == {"budget": 5, "spent": 1}
    assert [o["state"] for o in ledger["orders"]] == ["assigned"]
    assert await shop.metric('teashop_orders_total{state="placed"}') == 1
    assert await shop.metric('teashop_orders_total{state="assigned"}') == 1
    assert await shop.metric('teashop_db_seconds_count{operation="place"}') == 1

    async def gauges_are_fresh():
        # A look between checkout and delivery has seen the coupon, and an order still to deliver.
        left = await shop.metric("teashop_coupons_left")
        return (left, await shop.metric("teashop_outbox_pending")) == (4, 0)

    await shop.until(gauges_are_fresh)


async def test_a_repeated_checkout_gets_the_same_bytes(open_shop, make_body):
    shop = await open_shop()
    first = await shop.checkout(make_body())
    again = await shop.checkout(dict(reversed(make_body().items())))
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    other = await shop.checkout(make_body("bob"))
    assert other.status == 422
    assert other.json()["reason"] == "idempotency_key"
    assert len((await shop.audit())["orders"]) == 1


async def test_payment_repeats_and_refusals(open_shop, make_body):
    shop = await open_shop()
    order_id = (await shop.checkout(make_body())).json()["order_id"]
    first = await shop.pay(order_id)
    again = await shop.pay(order_id)
    assert again.body == first.body
    assert again.headers["idempotency-replayed"] == "true"
    twice = await shop.pay(order_id, "p2")
    assert (twice.status, twice.json()["reason"]) == (409, "state")
    assert (await shop.pay("nothing", "p3")).status == 404
    assert (await shop.status("nothing")).status == 404


async def test_sold_out_is_a_conflict(open_shop, make_body):
    shop = await open_shop(stock_per_drink=0)
    refused = await shop.checkout(make_body())
    assert (refused.status, refused.json()["reason"]) == (409, "sold_out")


@pytest.mark.parametrize("paused", [True, False])
async def test_a_full_shop_refuses_for_dispatch_but_not_what_it_accepted(
    open_shop, make_body, answer, paused
):
    shop = await open_shop(quote_ttl_s=1.0)
    first = await shop.checkout(make_body(), "accepted")
    await shop.clock.advance(1.1)
    shop.dispatch.quote = answer(200, {"accepting": False, "paused": paused, "retry_after_s": 6.2})
    refused = await shop.checkout(make_body(), "new")
    assert refused.status == 503
    assert refused.headers["retry-after"] == "7"
    assert refused.headers["x-refusal"] == "backpressure"
    assert refused.headers["x-refused-for"] == "dispatch"
    assert ("paused" if paused else "full") in refused.json()["detail"]
    again = await shop.checkout(make_body(), "accepted")
    assert (again.status, again.body) == (201, first.body)
    await shop.clock.advance(1.1)
    shop.dispatch.quote = accepting(answer)
    assert (await shop.checkout(make_body(), "new")).status == 201


async def test_a_shop_that_does_not_exist(open_shop, make_body, answer):
    shop = await open_shop()
    shop.dispatch.quote = answer(404, {})
    refused = await shop.checkout(make_body(shop="nowhere"))
    assert refused.status == 400
    assert "nowhere" in refused.json()["detail"]


async def test_without_backpressure_nobody_asks(open_shop, make_body, answer):
    shop = await open_shop(protections=Protections.all_off())
    shop.dispatch.quote = answer(200, {"accepting": False})
    placed = await shop.checkout(make_body())
    assert placed.status == 201
    assert placed.json()["eta_s"] is None
    assert shop.dispatch.quoted == []


async def test_an_expired_request_never_reaches_the_database(open_shop, make_body):
    shop = await open_shop()
    refused = await shop.checkout(make_body(), X_Request_Timeout_Ms="0")
    assert refused.status == 503
    assert refused.headers["x-refusal"] == "deadline"
    assert refused.headers["x-refused-for"] == "orders"
    assert int(refused.headers["retry-after"]) >= 1
    assert (await shop.audit())["orders"] == []
    unprotected = await open_shop(protections=Protections.all_off())
    assert (await unprotected.checkout(make_body(), X_Request_Timeout_Ms="0")).status == 201


async def test_a_full_bulkhead_refuses_with_a_limit(open_shop, make_body, make_hold):
    shop = await open_shop(database_threads=1, waiting=0)
    store = shop.app.router.find("POST", "/orders")[0].__self__._store
    place, hold = store.place, make_hold()

    def held(*args, **options):
        hold()
        return place(*args, **options)

    store.place = held
    first = asyncio.create_task(shop.checkout(make_body(), "k1"))
    assert await asyncio.to_thread(hold.begun.wait, 10)
    refused = await shop.checkout(make_body(), "k2")
    assert refused.status == 503
    assert refused.headers["x-refusal"] == "limit"
    assert refused.headers["x-refused-for"] == "orders"
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    hold.end.set()
    assert (await asyncio.wait_for(first, 20)).status == 201


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"user": ""}, "user must be"),
        ({"user": 7}, "user must be"),
        ({"shop": "a\0b"}, "shop must be"),
        ({"coupon": "yes"}, "coupon must be"),
        ({"items": []}, "items must be"),
        ({"items": [{"drink": "petrol"}]}, "items[0]"),
    ],
)
async def test_bodies_that_cannot_be_used(open_shop, make_body, change, said):
    shop = await open_shop()
    refused = await shop.checkout({**make_body(), **change})
    assert refused.status == 400
    assert refused.headers["content-type"] == "application/problem+json"
    assert said in refused.json()["detail"]


async def test_keys_and_json_that_cannot_be_used(open_shop, make_body):
    shop = await open_shop()
    for key in ("", "x" * 201, "a\tb"):
        assert (await shop.checkout(make_body(), key)).status == 400
    assert (await shop.checkout(b"{")).status == 400
    assert (await shop.checkout([1])).status == 400
    assert (await call(shop.app, "POST", "/orders", body=make_body())).status == 400


async def test_the_audit_streams_more_than_one_chunk(open_shop, make_body):
    shop = await open_shop()
    shop.app.router.find("GET", "/audit")[0].__self__._audit._chunk_rows = 3
    for i in range(8):
        await shop.checkout(make_body(), f"k{i}")
    both = await asyncio.gather(shop.audit(), shop.audit())
    for ledger in both:
        assert {o["order_id"] for o in ledger["orders"]} == {order_id_of(f"k{i}") for i in range(8)}


async def test_stopping_leaves_the_rest_to_the_next_replica(open_shop, make_body, dispatch, answer):
    shop = await open_shop()
    dispatch.script = [answer(503, {}, Retry_After="3")] * 50
    assert (await shop.checkout(make_body())).status == 201
    await settle()
    await shop.app.stop()
    assert not shop.app.is_ready
    assert not dispatch.running
    dispatch.script = []
    following = await open_shop()
    following.clock._now = shop.clock.now()

    async def delivered():
        return (await following.audit())["outbox"] == {"pending": 0, "delivered": 1}

    await following.until(delivered)


def test_settings_that_cannot_be_meant():
    for field, value in (
        ("database_threads", 0),
        ("waiting", -1),
        ("coupon_budget", -1),
        ("quote_timeout_s", 0.0),
        ("max_deadline_s", 1.0),
    ):
        with pytest.raises(ValueError, match=field):
            OrdersSettings(**{field: value})


def test_the_answer_is_plain_json(make_cart):
    assert orjson.loads(make_cart().items_json())[0]["quantity"] == 1
