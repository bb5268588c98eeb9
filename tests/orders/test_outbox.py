"""Claims, leases and receipts, held to SQLite and to PostgreSQL."""

from __future__ import annotations

import pytest

from teashop.orders.model import order_id_of
from teashop.orders.outbox import Deferral, Receipt

LEASE_S = 5.0


def place(ledger, make_cart, *keys):
    for key in keys:
        ledger.store.place(make_cart(), key, eta_s=None)
        ledger.wall.now_s += 0.001


def ids(deliveries):
    return [d.order_id for d in deliveries]


def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(open_replica, make_cart):
    one = open_replica()
    two = open_replica(wall=one.wall)
    place(one, make_cart, "a", "b", "c")
    first = one.outbox.claim(2, lease_s=LEASE_S)
    assert ids(first) == [order_id_of("a"), order_id_of("b")], "the oldest first"
    assert [d.attempts for d in first] == [1, 1]
    assert ids(two.outbox.claim(9, lease_s=LEASE_S)) == [order_id_of("c")]
    assert two.outbox.claim(9, lease_s=LEASE_S) == ()
    one.wall.now_s += LEASE_S + 0.1  # both replicas were killed
    again = two.outbox.claim(9, lease_s=LEASE_S)
    assert sorted(ids(again)) == sorted(map(order_id_of, "abc"))
    assert {d.attempts for d in again} == {2}


def test_a_delivery_says_what_dispatch_needs(ledger, make_cart):
    placed_s = ledger.wall.now_s
    ledger.store.place(make_cart(shop="shop-3", quantity=4), "a", eta_s=None)
    (delivery,) = ledger.outbox.claim(1, lease_s=LEASE_S)
    assert (delivery.shop, delivery.quantity) == ("shop-3", 4)
    assert delivery.placed_s == placed_s


def test_a_receipt_ends_it_and_may_come_twice(ledger, make_cart):
    place(ledger, make_cart, "a", "b")
    assert ledger.outbox.pending() == 2
    receipt = Receipt(order_id=order_id_of("a"), eta_s=None)
    ledger.outbox.record([receipt], [])
    ledger.outbox.record([receipt], [])
    assert ledger.outbox.pending() == 1
    ledger.wall.now_s += 1000.0
    assert ids(ledger.outbox.claim(9, lease_s=LEASE_S)) == [order_id_of("b")]
    assert ledger.store.find(order_id_of("a")).eta_s is None
    assert ledger.read()["outbox"] == {"pending": 1, "delivered": 1}


def test_a_deferral_waits_and_does_not_undo_a_receipt(ledger, make_cart):
    place(ledger, make_cart, "a")
    order_id = order_id_of("a")
    ledger.outbox.claim(9, lease_s=LEASE_S)
    ledger.outbox.record([], [Deferral(order_id=order_id, delay_s=2.0)])
    ledger.wall.now_s += 1.9
    assert ledger.outbox.claim(9, lease_s=LEASE_S) == ()
    ledger.wall.now_s += 0.2
    assert ids(ledger.outbox.claim(9, lease_s=LEASE_S)) == [order_id]
    ledger.outbox.record([Receipt(order_id=order_id, eta_s=1.0)], [])
    ledger.outbox.record([], [Deferral(order_id=order_id, delay_s=0.0)])  # a slow replica
    ledger.wall.now_s += 100.0
    assert ledger.outbox.claim(9, lease_s=LEASE_S) == ()


def test_a_failed_record_changes_nothing(ledger, make_cart):
    place(ledger, make_cart, "a", "b")
    good = Receipt(order_id=order_id_of("a"), eta_s=1.0)
    broken = Receipt(order_id=order_id_of("b"), eta_s="soon")
    with pytest.raises(TypeError):
        ledger.outbox.record([good, broken], [])
    assert ledger.outbox.pending() == 2


def test_an_idle_relay_takes_no_write_lock(sqlite_dsn, open_ledger):
    ledger = open_ledger(sqlite_dsn, lock_timeout_s=0.01, attempts=1)
    with ledger.database.engine.begin():  # somebody writes
        assert ledger.outbox.claim(9, lease_s=LEASE_S) == ()
    ledger.database.close()
