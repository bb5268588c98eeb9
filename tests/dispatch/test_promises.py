"""Promises are made, kept, revised in time, or broken for good."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.dispatch.couriers import Couriers
from teashop.dispatch.promises import Promise, PromiseRules, eta_s, kept, promised_s, revised
from teashop.dispatch.shops import Shop, ShopRules, accept

RULES = PromiseRules(delivery_s=10.0, round_trip_s=15.0, margin=0.2, slack_s=2.0)
SHOP_RULES = ShopRules(
    drinks_per_s=6.0, capacity_drinks=60, pause_drinks=75, resume_drinks=42, full_drinks=90
)
PROMISE = Promise(order_id="o", promised_at_s=100.0)


def told_s(queue: float, waiting: int, drinks: int, couriers: int = 3) -> float:
    shop = accept(Shop(name="s", taken=queue, waiting=waiting), drinks)
    at_door = Couriers.waiting(couriers)
    return promised_s(eta_s(shop, at_door, shop.taken, waiting, SHOP_RULES, RULES), RULES)


@given(
    queue=st.floats(0, 500),
    more=st.floats(0, 100),
    waiting=st.integers(0, 60),
    more_waiting=st.integers(0, 20),
    drinks=st.integers(1, 20),
)
def test_a_longer_queue_never_promises_earlier(
    queue: float, more: float, waiting: int, more_waiting: int, drinks: int
) -> None:
    base = told_s(queue, waiting, drinks)
    assert told_s(queue + more, waiting + more_waiting, drinks) >= base - 1e-6
    assert told_s(queue, waiting, drinks + 1) >= base - 1e-6


@given(queue=st.floats(0, 200), waiting=st.integers(0, 60))
def test_more_couriers_never_promise_later(queue: float, waiting: int) -> None:
    assert told_s(queue, waiting, 1, couriers=6) <= told_s(queue, waiting, 1, couriers=3) + 1e-6


def test_an_empty_street_promises_the_making_and_the_way() -> None:
    assert told_s(0, 0, 6) == pytest.approx((1.0 + 10.0) * 1.2 + 2.0)


@given(arrives_in_s=st.floats(0, 500), now_s=st.floats(0, 99))
def test_a_revision_comes_before_the_promise_ends_and_covers_the_arrival(
    arrives_in_s: float, now_s: float
) -> None:
    new = revised(PROMISE, arrives_at_s=now_s + arrives_in_s, now_s=now_s, rules=RULES)
    if now_s + arrives_in_s <= PROMISE.promised_at_s:
        assert new is None
    else:
        assert new is not None
        assert new.promised_at_s > now_s + arrives_in_s
        assert (new.revisions, new.late) == (1, False)


def test_a_promise_that_ran_out_first_stays_broken() -> None:
    late = revised(PROMISE, arrives_at_s=130.0, now_s=101.0, rules=RULES)
    assert late is not None
    assert late.late
    again = revised(late, arrives_at_s=500.0, now_s=102.0, rules=RULES)
    assert again is not None
    assert (again.late, again.revisions) == (True, 2)
    assert kept(again, delivered_at_s=400.0, now_s=500.0) is False


def test_kept_is_open_until_the_drink_is_there() -> None:
    assert kept(PROMISE, delivered_at_s=None, now_s=99.0) is None
    assert kept(PROMISE, delivered_at_s=98.0, now_s=97.0) is None
    assert kept(PROMISE, delivered_at_s=98.0, now_s=99.0) is True
    assert kept(PROMISE, delivered_at_s=None, now_s=100.5) is False
    assert kept(PROMISE, delivered_at_s=101.0, now_s=102.0) is False


@pytest.mark.parametrize(("field", "value"), [("delivery_s", 0), ("margin", -1), ("slack_s", -1)])
def test_refuses_what_cannot_be_meant(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        replace(RULES, **{field: value})
