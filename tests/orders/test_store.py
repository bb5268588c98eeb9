"""The ledger's contract, held to SQLite and to PostgreSQL."""

from __future__ import annotations

import orjson
import pytest

from teashop.catalog.menu import MENU
from teashop.orders.model import (
    IllegalTransition,
    KeyReused,
    OrderUnknown,
    SoldOut,
    State,
    order_id_of,
)
from teashop.orders.outbox import Receipt


def test_an_order_gets_its_price_and_its_rows(ledger, make_cart):
    wanted = make_cart(quantity=2)
    answer = ledger.store.place(wanted, "k1", eta_s=12.5)
    drink = wanted.lines[0]
    assert answer.status == 201
    assert not answer.replayed
    assert orjson.loads(answer.body) == {
        "order_id": order_id_of("k1"),
        "state": "placed",
        "total_fen": MENU.price_fen(drink.drink, drink.size, 2),
        "coupon": False,
        "eta_s": 12.5,
    }
    seen = ledger.read()
    assert seen["outbox"] == {"pending": 1, "delivered": 0}
    assert seen["coupons"] == {"budget": 20, "spent": 0}
    (order,) = seen["orders"]
    assert order["key"] == "k1"
    assert order["user"] == "ann"
    assert order["shop"] == "shop-1"
    assert order["quantity"] == 2
    assert order["state"] == "placed"
    assert order["created_s"] == ledger.wall.now_s


def test_the_same_key_gets_the_first_answer_byte_for_byte(ledger, make_cart):
    first = ledger.store.place(make_cart(), "k1", eta_s=3.0)
    again = ledger.store.place(make_cart(), "k1", eta_s=99.0)
    assert again.replayed
    assert (again.status, again.body) == (first.status, first.body)
    assert len(ledger.read()["orders"]) == 1


def test_the_same_key_with_another_body_is_refused(ledger, make_cart):
    ledger.store.place(make_cart(), "k1", eta_s=None)
    for other in (make_cart(quantity=2), make_cart("bob"), make_cart(coupon=True)):
        with pytest.raises(KeyReused):
            ledger.store.place(other, "k1", eta_s=None)
        with pytest.raises(KeyReused):
            ledger.store.first_answer(other, "k1")
    assert len(ledger.read()["orders"]) == 1


def test_first_answer_places_nothing(ledger, make_cart):
    assert ledger.store.first_answer(make_cart(), "k1") is None
    assert ledger.read()["orders"] == []
    placed = ledger.store.place(make_cart(), "k1", eta_s=None)
    found = ledger.store.first_answer(make_cart(), "k1")
    assert found is not None
    assert found.body == placed.body


def test_the_coupon_ends_with_its_budget_and_the_order_does_not(open_replica, make_cart):
    ledger = open_replica(coupon_budget=2, coupon_fen=100)
    answers = [
        orjson.loads(ledger.store.place(make_cart(coupon=True), f"k{i}", eta_s=None).body)
        for i in range(3)
    ]
    assert [a["coupon"] for a in answers] == [True, True, False]
    assert answers[2]["total_fen"] - answers[0]["total_fen"] == 100
    assert ledger.read()["coupons"] == {"budget": 2, "spent": 2}


def test_a_coupon_never_pays_money_back(open_replica, make_cart):
    ledger = open_replica(coupon_fen=10_000_000)
    answer = ledger.store.place(make_cart(coupon=True), "k", eta_s=None)
    assert orjson.loads(answer.body)["total_fen"] == 0


def test_sold_out_keeps_nothing_and_spends_no_coupon(open_replica, make_cart):
    ledger = open_replica(stock=3)
    ledger.store.place(make_cart(quantity=2), "k1", eta_s=None)
    with pytest.raises(SoldOut, match="shop-1"):
        ledger.store.place(make_cart(quantity=2, coupon=True), "k2", eta_s=None)
    seen = ledger.read()
    assert len(seen["orders"]) == 1
    assert seen["coupons"]["spent"] == 0
    smaller = ledger.store.place(make_cart(quantity=1), "k2", eta_s=None)
    assert not smaller.replayed, "a refused key is free again"


def test_stock_is_counted_for_each_shop_and_over_equal_lines(open_replica, make_cart):
    ledger = open_replica(stock=3)
    line = make_cart(quantity=2).lines[0]
    twice = type(make_cart())(user="ann", shop="shop-1", lines=(line, line), coupon=False)
    with pytest.raises(SoldOut):
        ledger.store.place(twice, "k1", eta_s=None)
    ledger.store.place(make_cart(quantity=3), "k2", eta_s=None)
    ledger.store.place(make_cart(quantity=3, shop="shop-2"), "k3", eta_s=None)
    assert len(ledger.read()["orders"]) == 2


def test_payment_is_idempotent_and_happens_once(ledger, make_cart):
    ledger.store.place(make_cart(), "k1", eta_s=None)
    order_id = order_id_of("k1")
    first = ledger.store.pay(order_id, "p1")
    assert orjson.loads(first.body) == {"order_id": order_id, "state": "paid"}
    again = ledger.store.pay(order_id, "p1")
    assert again.replayed
    assert again.body == first.body
    with pytest.raises(IllegalTransition, match="paid"):
        ledger.store.pay(order_id, "p2")
    assert ledger.store.find(order_id).state is State.PAID


def test_payment_of_nothing_and_with_another_orders_key(ledger, make_cart):
    with pytest.raises(OrderUnknown):
        ledger.store.pay("nothing", "p1")
    for key in ("k1", "k2"):
        ledger.store.place(make_cart(), key, eta_s=None)
    ledger.store.pay(order_id_of("k1"), "p1")
    with pytest.raises(KeyReused):
        ledger.store.pay(order_id_of("k2"), "p1")
    assert ledger.store.find(order_id_of("k2")).state is State.PLACED


def test_checkout_and_payment_keys_do_not_meet(ledger, make_cart):
    ledger.store.place(make_cart(), "same", eta_s=None)
    assert not ledger.store.pay(order_id_of("same"), "same").replayed


@pytest.mark.parametrize("paid_first", [True, False])
def test_an_order_is_assigned_once_it_is_paid_and_promised(ledger, make_cart, paid_first):
    ledger.store.place(make_cart(), "k1", eta_s=5.0)
    order_id = order_id_of("k1")
    assert ledger.store.find(order_id).eta_s is None, "a quote is no promise"

    def pay():
        ledger.store.pay(order_id, "p")

    def promise():
        ledger.outbox.record([Receipt(order_id=order_id, eta_s=30.0)], [])

    steps = (pay, promise) if paid_first else (promise, pay)
    steps[0]()
    assert ledger.store.find(order_id).state is (State.PAID if paid_first else State.PLACED)
    steps[1]()
    view = ledger.store.find(order_id)
    assert view.state is State.ASSIGNED
    assert view.eta_s == pytest.approx(30.0)
    ledger.wall.now_s += 10.0
    assert ledger.store.find(order_id).eta_s == pytest.approx(20.0)
    ledger.wall.now_s += 100.0
    assert ledger.store.find(order_id).eta_s == 0.0


def test_a_receipt_that_comes_twice_does_not_promise_anew(ledger, make_cart):
    ledger.store.place(make_cart(), "k1", eta_s=None)
    order_id = order_id_of("k1")
    for eta_s in (30.0, 60.0):
        ledger.outbox.record([Receipt(order_id=order_id, eta_s=eta_s)], [])
    assert ledger.store.find(order_id).eta_s == pytest.approx(30.0)
    assert ledger.read()["orders"][0]["revisions"] == 0


def test_a_promised_moment_does_not_move_with_its_receipt(ledger, make_cart):
    ledger.store.place(make_cart(), "k1", eta_s=None)
    order_id = order_id_of("k1")
    promised_at_s = ledger.wall.now_s + 30.0
    ledger.wall.now_s += 20.0  # the first answer was lost on its way, and is given again
    receipt = Receipt(order_id=order_id, eta_s=30.0, promised_at_s=promised_at_s)
    ledger.outbox.record([receipt], [])
    assert ledger.store.find(order_id).eta_s == pytest.approx(10.0)


def test_no_such_order(ledger):
    with pytest.raises(OrderUnknown, match="missing"):
        ledger.store.find("missing")


def test_opening_again_keeps_the_budget_and_the_orders(open_replica, make_cart):
    open_replica(coupon_budget=2).store.place(make_cart(coupon=True), "k1", eta_s=None)
    second = open_replica(coupon_budget=99)
    assert second.read()["coupons"] == {"budget": 2, "spent": 1}
    assert second.store.place(make_cart(coupon=True), "k1", eta_s=None).replayed


def test_the_audit_is_one_moment_however_long_it_takes(ledger, make_cart):
    for i in range(20):
        ledger.store.place(make_cart(), f"k{i}", eta_s=None)
    with ledger.audit.ledger() as chunks:
        head = next(chunks)
        for i in range(20, 40):
            ledger.store.place(make_cart(coupon=True), f"k{i}", eta_s=None)
        seen = orjson.loads(head + b"".join(chunks))
    assert len(seen["orders"]) == 20
    assert seen["outbox"]["pending"] == 20
    assert seen["coupons"]["spent"] == 0
    assert len(ledger.read()["orders"]) == 40


def test_a_spent_budget_changes_order_and_answer_alike(open_replica, make_cart):
    ledger = open_replica(coupon_budget=1)
    ledger.store.place(make_cart(coupon=True), "k1", eta_s=None)
    for key in ("k2", "k3"):  # the second is not even asked for
        answer = ledger.store.place(make_cart(coupon=True), key, eta_s=3.0)
        again = ledger.store.place(make_cart(coupon=True), key, eta_s=9.0)
        row = next(o for o in ledger.read()["orders"] if o["key"] == key)
        told = orjson.loads(answer.body)
        assert (told["coupon"], told["eta_s"]) == (False, 3.0)
        assert (row["coupon"], row["total_fen"]) == (False, told["total_fen"])
        assert again.replayed
        assert again.body == answer.body
    assert ledger.read()["coupons"] == {"budget": 1, "spent": 1}
