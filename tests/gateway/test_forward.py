"""Checkout, payment and status: passed on, never waiting for AI, refused with a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from multidict import CIMultiDict
from tests.gateway.conftest import MakeShop, refused

from teashop.serving.client import Answer, Unavailable
from teashop.serving.settings import Protections
from teashop.serving.testing import call


def ok(body: bytes = b'{"order_id":"o1"}', status: int = 201):
    async def answer(_) -> Answer:
        return Answer(status, body, CIMultiDict({"Content-Type": "application/json"}))

    return answer


async def test_a_checkout_reaches_orders_with_its_key_and_criticality(make_shop: MakeShop):
    shop = make_shop(ok())
    got = await call(
        shop.app,
        "POST",
        "/checkout",
        body={"x": 1},
        headers={"Idempotency-Key": "k", "X-User": "u"},
    )
    asked = shop.client.asked[0]
    assert (got.status, got.body) == (201, b'{"order_id":"o1"}')
    assert (asked.service, asked.path) == ("orders", "/orders")
    assert asked.headers[b"idempotency-key"] == b"k"
    assert asked.headers[b"x-criticality"] == b"critical"
    assert got.headers["x-degradation"] == "none"


async def test_payment_and_status_are_critical_plus(make_shop: MakeShop):
    shop = make_shop(ok(status=200))
    await call(shop.app, "POST", "/orders/o1/payment", headers={"Idempotency-Key": "k"})
    await call(shop.app, "GET", "/orders/o1")
    assert [a.headers[b"x-criticality"] for a in shop.client.asked] == [b"critical_plus"] * 2
    assert [a.path for a in shop.client.asked] == ["/orders/o1/payment", "/orders/o1"]


async def test_a_header_may_lower_the_criticality_and_never_raise_it(make_shop: MakeShop):
    shop = make_shop(ok(status=200))
    for asked in ("critical_plus", "sheddable", "nonsense"):
        await call(shop.app, "GET", "/menu", headers={"X-Criticality": asked})
        await call(
            shop.app,
            "POST",
            "/checkout",
            headers={"X-Criticality": asked, "Idempotency-Key": "k"},
        )
    seen = [a.headers[b"x-criticality"] for a in shop.client.asked]
    assert seen == [b"critical", b"sheddable", b"critical"]
    assert shop.value("teashop_offered_total", route="menu", criticality="sheddable") == 3


async def test_a_checkout_without_a_key_is_refused_in_words(make_shop: MakeShop):
    shop = make_shop(ok())
    got = await call(shop.app, "POST", "/checkout", body={})
    assert got.status == 400
    assert "Idempotency-Key" in got.json()["detail"]


async def test_the_reason_of_orders_is_passed_on_with_its_retry_after(make_shop: MakeShop):
    async def full_street(_) -> Answer:
        return refused("backpressure", "dispatch")

    shop = make_shop(full_street)
    got = await call(shop.app, "POST", "/checkout", headers={"Idempotency-Key": "k"})
    assert got.headers["x-refusal"] == "backpressure"
    assert got.headers["x-refused-for"] == "dispatch"
    assert int(got.headers["retry-after"]) >= 2


@pytest.mark.parametrize("path", ["/orders/o1", "/menu"])
async def test_orders_out_refuses_what_needs_it_and_nothing_else(make_shop: MakeShop, path: str):
    async def out(_) -> Answer:
        raise Unavailable("orders", "dependency")

    shop = make_shop(out)
    got = await call(shop.app, "GET", path)
    if path == "/menu":
        assert got.status == 200
    else:
        assert (got.status, got.headers["x-refused-for"]) == (503, "orders")
        assert "retry-after" in got.headers


async def test_over_quota_is_429_and_only_for_that_user(make_shop: MakeShop):
    shop = make_shop(ok(), quota_rps=1.0, quota_burst=2.0)
    statuses = [
        (await call(shop.app, "GET", "/menu", headers={"X-User": "greedy"})).status
        for _ in range(4)
    ]
    other = await call(shop.app, "GET", "/menu", headers={"X-User": "other"})
    assert statuses == [200, 200, 429, 429]
    assert other.status == 200


async def test_quotas_off_counts_nobody(make_shop: MakeShop):
    shop = make_shop(
        ok(),
        protections=replace(Protections(), quotas=False),
        quota_rps=1.0,
        quota_burst=1.0,
    )
    statuses = {
        (await call(shop.app, "GET", "/menu", headers={"X-User": "greedy"})).status
        for _ in range(5)
    }
    assert statuses == {200}
