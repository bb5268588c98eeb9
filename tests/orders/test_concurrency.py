"""Many buyers at once, in threads and in processes: the budget holds and keys stay single."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from teashop.orders.model import IllegalTransition, SoldOut, order_id_of
from teashop.serving.database import DatabaseBusy

BUYER = """
import random, sys, time
from teashop.catalog.order import DrinkOrder
from teashop.catalog.menu import MENU
from teashop.serving.database import Database
from teashop.orders.model import Cart
from teashop.orders.store import OrderStore, Terms
from concurrent.futures import ThreadPoolExecutor

dsn, prefix, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
database = Database(dsn, connections=8, lock_timeout_s=10.0, attempts=10, rng=random.Random(prefix), name="orders")
terms = Terms(coupon_budget=20, coupon_fen=500, stock_per_drink=1000)
store = OrderStore(database, terms, unix=time.time)
store.open()
line = DrinkOrder(drink=next(iter(MENU.drinks)))

def buy(i):
    key = f"{prefix}{i}" if prefix != "same" else "same"
    cart = Cart(user="u", shop="shop-1", lines=(line,), coupon=True)
    answer = store.place(cart, key, eta_s=None)
    return answer.body.decode(), answer.replayed

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(6) as pool:
    for body, replayed in pool.map(buy, range(count)):
        print(int(replayed), body, flush=True)
"""


def buyers(dsn, *runs):
    """Start a process for each (prefix, count), let them go together, and read their answers."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BUYER, dsn, prefix, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for prefix, count in runs
    ]
    answers = []
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            out, _ = process.communicate(timeout=40)
            assert process.returncode == 0
            answers += [line.split(" ", 1) for line in out.splitlines()]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [(flag == "1", body) for flag, body in answers]


def in_threads(count, work):
    """Run `work(i)` for each i, all started together."""
    start = threading.Barrier(count)

    def one(i):
        start.wait(20)
        return work(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_sixty_buyers_share_twenty_coupons(open_replica, make_cart):
    ledger = open_replica(coupon_budget=20, attempts=10)
    answers = in_threads(
        60,
        lambda i: ledger.store.place(make_cart(f"u{i}", coupon=True), f"k{i}", eta_s=None),
    )
    assert sum(orjson.loads(a.body)["coupon"] for a in answers) == 20
    seen = ledger.read()
    assert seen["coupons"] == {"budget": 20, "spent": 20}
    assert sum(order["coupon"] for order in seen["orders"]) == 20
    assert len(seen["orders"]) == 60


def test_thirty_calls_with_one_key_are_one_order(open_replica, make_cart):
    ledger = open_replica(attempts=10)
    answers = in_threads(30, lambda _: ledger.store.place(make_cart(), "same", eta_s=None))
    assert len({a.body for a in answers}) == 1
    assert sum(not a.replayed for a in answers) == 1
    assert len(ledger.read()["orders"]) == 1


def test_the_last_cups_are_sold_once(open_replica, make_cart):
    ledger = open_replica(stock=10, attempts=10)

    def buy(i):
        try:
            ledger.store.place(make_cart(quantity=3), f"k{i}", eta_s=None)
        except SoldOut as error:
            return type(error).__name__
        return "sold"

    outcomes = in_threads(20, buy)
    assert outcomes.count("sold") == 3
    assert outcomes.count("SoldOut") == 17


def test_payments_at_once_are_one_payment(open_replica, make_cart):
    ledger = open_replica(attempts=10)
    ledger.store.place(make_cart(), "k", eta_s=None)

    def pay(i):
        try:
            return ledger.store.pay(order_id_of("k"), f"p{i}").replayed
        except IllegalTransition as error:
            return type(error).__name__

    outcomes = in_threads(12, pay)
    assert outcomes.count(False) == 1
    assert outcomes.count("IllegalTransition") == 11


def test_relays_at_once_claim_each_row_once(open_replica, make_cart):
    replicas = [open_replica(attempts=10) for _ in range(3)]
    for i in range(40):
        replicas[0].store.place(make_cart(), f"k{i}", eta_s=None)

    def claim(i):
        claimed = []
        for _ in range(500):
            try:
                batch = replicas[i].outbox.claim(4, lease_s=60.0)
            except DatabaseBusy:
                continue
            if not batch:
                return claimed
            claimed += [d.order_id for d in batch]
        return [*claimed, "there is no end of claiming"]

    claimed = [order_id for part in in_threads(3, claim) for order_id in part]
    # On PostgreSQL a relay may see nothing while another holds the last rows: none twice, none lost
    claimed += [d.order_id for d in replicas[0].outbox.claim(100, lease_s=60.0)]
    assert sorted(claimed) == sorted(order_id_of(f"k{i}") for i in range(40))


def test_two_processes_share_the_budget(dsn, open_replica):
    answers = buyers(dsn, ("a", 30), ("b", 30))
    assert len(answers) == 60
    assert sum(orjson.loads(body)["coupon"] for _, body in answers) == 20
    seen = open_replica().read()
    assert seen["coupons"]["spent"] == 20
    assert len({order["key"] for order in seen["orders"]}) == len(seen["orders"]) == 60


def test_two_processes_with_one_key_are_one_order(dsn, open_replica):
    answers = buyers(dsn, ("same", 15), ("same", 15))
    assert len({body for _, body in answers}) == 1
    assert [replayed for replayed, _ in answers].count(False) == 1
    assert len(open_replica().read()["orders"]) == 1


KILLED = """
import os, random, signal, sys
from sqlalchemy import event
from teashop.catalog.menu import MENU
from teashop.catalog.order import DrinkOrder
from teashop.serving.database import Database
from teashop.orders.model import Cart
from teashop.orders.store import OrderStore, Terms

dsn, moment = sys.argv[1:]
database = Database(dsn, connections=2, lock_timeout_s=10.0, attempts=3, rng=random.Random(1), name="orders")
store = OrderStore(
    database, Terms(coupon_budget=20, coupon_fen=500, stock_per_drink=1000), unix=lambda: 1.0
)
store.open()

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if moment == "before":
    event.listen(database.engine, "commit", die)
cart = Cart(
    user="ann", shop="shop-1", lines=(DrinkOrder(drink=next(iter(MENU.drinks))),), coupon=True
)
store.place(cart, "k1", eta_s=7.5)
die()
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_commit_the_retry_settles_it(dsn, moment, open_replica, make_cart):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, dsn, moment], check=False, timeout=120, capture_output=True
    )
    assert done.returncode == -9, done.stderr.decode()
    ledger = open_replica()
    answer = ledger.store.place(make_cart(coupon=True), "k1", eta_s=99.0)
    assert answer.replayed is (moment == "after")
    expected_eta_s = 7.5 if moment == "after" else 99.0
    assert orjson.loads(answer.body)["eta_s"] == expected_eta_s, "the first answer, or a new one"
    seen = ledger.read()
    assert len(seen["orders"]) == 1
    assert seen["coupons"]["spent"] == 1
    assert seen["outbox"]["pending"] == 1
