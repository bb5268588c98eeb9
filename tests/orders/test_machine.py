"""Any history of orders, payments, crashes and deliveries keeps the ledger whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy import event
from tests.conftest import EXAMPLES

from teashop.orders.model import IllegalTransition, OrderUnknown, SoldOut, order_id_of
from teashop.orders.outbox import Deferral, Receipt

BUDGET = 3
STOCK = 12
LEASE_S = 5.0


class Crash(Exception):
    """The process ends here."""


class LedgerMachine(RuleBasedStateMachine):
    """A replica that may crash, a dispatch that may fail, and what their callers remember."""

    open_ledger = None
    make_cart = None
    keys = Bundle("keys")

    def __init__(self):
        super().__init__()
        handle, self.path = tempfile.mkstemp(suffix=".db")
        os.close(handle)
        self.ledger = self.start()
        self.crash_at_commit = False
        self.acknowledged = {}  # checkout key to the bytes that its caller got
        self.paid = {}  # order id to the payment key and the bytes that its caller got
        self.carts = {}
        self.dispatched = set()  # what dispatch has taken, idempotent by order id
        self.confirmed = set()  # what the relay wrote down
        self.claimed = []  # in the hands of a relay

    def start(self):
        ledger = type(self).open_ledger(
            f"sqlite:///{self.path}", coupon_budget=BUDGET, stock=STOCK, attempts=1
        )
        event.listen(ledger.database.engine, "commit", self.before_commit)
        return ledger

    def before_commit(self, _connection):
        if self.crash_at_commit:
            raise Crash

    def restart(self):
        wall = self.ledger.wall
        self.ledger.database.close()
        self.crash_at_commit = False
        self.ledger = self.start()
        self.ledger.wall.now_s = wall.now_s
        self.claimed = []

    @rule(target=keys, number=st.integers(0, 9), coupon=st.booleans(), cups=st.integers(1, 4))
    def place(self, number, coupon, cups):
        key = f"k{number}-{coupon}-{cups}"
        self.carts[key] = type(self).make_cart(coupon=coupon, quantity=cups)
        self.ask(key)
        return key

    @rule(key=keys)
    def ask(self, key):
        try:
            got = self.ledger.store.place(self.carts[key], key, eta_s=None)
        except SoldOut:
            assert key not in self.acknowledged, "an accepted order cannot be sold out"
            return
        if key in self.acknowledged:
            assert got.replayed
        assert self.acknowledged.setdefault(key, got.body) == got.body

    @rule(key=keys)
    def crash_before_the_commit(self, key):
        before = self.ledger.read()
        self.crash_at_commit = True
        try:
            self.ledger.store.place(self.carts[key], key, eta_s=None)
        except (Crash, SoldOut):
            pass
        else:
            raise AssertionError("it did not crash")
        self.restart()
        assert self.ledger.read() == before

    @rule(key=keys)
    def crash_after_the_commit(self, key):
        try:
            lost = self.ledger.store.place(self.carts[key], key, eta_s=None)
        except SoldOut:
            return
        self.restart()
        again = self.ledger.store.place(self.carts[key], key, eta_s=None)
        assert again.replayed
        assert again.body == lost.body, "the retry gets the answer that was lost"
        assert self.acknowledged.setdefault(key, again.body) == again.body

    @rule(key=keys, payment=st.sampled_from(["p", "q"]))
    def pay(self, key, payment):
        order_id = order_id_of(key)
        payment_key = f"{payment}-{key}"
        try:
            got = self.ledger.store.pay(order_id, payment_key)
        except OrderUnknown:
            assert key not in self.acknowledged
            return
        except IllegalTransition:
            assert self.paid[order_id][0] != payment_key
            return
        first = self.paid.setdefault(order_id, (payment_key, got.body))
        assert first == (payment_key, got.body), "paid once"

    @rule(limit=st.integers(1, 3))
    def claim(self, limit):
        new = self.ledger.outbox.claim(limit, lease_s=LEASE_S)
        taken = {d.order_id for d in new}
        assert not taken & self.confirmed, "what was confirmed is delivered no more"
        self.claimed += new

    @rule(arrives=st.booleans(), recorded=st.booleans(), eta_s=st.none() | st.floats(0, 1e4))
    def deliver(self, arrives, recorded, eta_s):
        """Dispatch may take it or not; the relay may learn of it or die before it writes it."""
        if not self.claimed:
            return
        order_id = self.claimed.pop(0).order_id
        if not arrives:
            self.ledger.outbox.record([], [Deferral(order_id=order_id, delay_s=1.0)])
            return
        self.dispatched.add(order_id)
        if recorded:
            self.ledger.outbox.record([Receipt(order_id=order_id, eta_s=eta_s)], [])
            self.confirmed.add(order_id)

    @rule(seconds=st.sampled_from([0.5, 2.0, LEASE_S + 1.0]))
    def time_passes(self, seconds):
        self.ledger.wall.now_s += seconds
        if seconds > LEASE_S:
            self.claimed = []

    @invariant()
    def the_ledger_is_whole(self):
        seen = self.ledger.read()
        orders = {o["key"]: o for o in seen["orders"]}
        assert len(orders) == len(seen["orders"]), "no key has two orders"
        assert set(orders) == set(self.acknowledged), "none lost, none made up"
        for key, body in self.acknowledged.items():
            told = orjson.loads(body)
            assert orders[key]["order_id"] == told["order_id"]
            assert orders[key]["total_fen"] == told["total_fen"]
            assert orders[key]["coupon"] == told["coupon"]
            paid = told["order_id"] in self.paid
            assert (orders[key]["state"] != "placed") is paid
        with_coupon = sum(o["coupon"] for o in seen["orders"])
        assert seen["coupons"]["spent"] == with_coupon <= BUDGET
        assert sum(o["quantity"] for o in seen["orders"]) <= STOCK
        assert seen["outbox"]["delivered"] == len(self.confirmed)
        assert seen["outbox"]["pending"] == len(orders) - len(self.confirmed)

    def teardown(self):
        """In the end, a relay and a dispatch that work bring every order where it belongs."""
        self.ledger.wall.now_s += 1000.0
        while batch := self.ledger.outbox.claim(5, lease_s=LEASE_S):
            self.dispatched |= {d.order_id for d in batch}
            self.ledger.outbox.record([Receipt(order_id=d.order_id, eta_s=1.0) for d in batch], [])
        assert self.ledger.outbox.pending() == 0
        assert self.dispatched == {order_id_of(key) for key in self.acknowledged}
        self.ledger.database.close()
        for suffix in ("", "-wal", "-shm"):
            Path(self.path + suffix).unlink(missing_ok=True)


def test_any_history_keeps_the_ledger_whole(open_ledger, make_cart):
    class Machine(LedgerMachine):
        pass

    Machine.open_ledger = staticmethod(open_ledger)
    Machine.make_cart = staticmethod(make_cart)
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415 - only here

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
