"""Carts to order, and replicas of the ledger on a database."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson
import pytest
from tests.orders.fake_dispatch import FakeDispatch, json_answer

from teashop.catalog.menu import MENU
from teashop.catalog.order import DrinkOrder
from teashop.orders.audit import Audit
from teashop.orders.model import Cart
from teashop.orders.outbox import Outbox
from teashop.orders.store import OrderStore, Terms
from teashop.serving.client import Answer
from teashop.serving.database import Database

DRINKS = tuple(MENU.drinks)


def make_a_cart(
    user: str = "ann",
    *,
    shop: str = "shop-1",
    drink: str = DRINKS[0],
    quantity: int = 1,
    coupon: bool = False,
) -> Cart:
    """A cart of one line."""
    line = DrinkOrder(drink=drink, quantity=quantity)
    return Cart(user=user, shop=shop, lines=(line,), coupon=coupon)


def make_a_body(
    user: str = "ann", *, shop: str = "shop-1", coupon: bool = False
) -> dict[str, object]:
    """The JSON body of the same cart."""
    return {
        "user": user,
        "shop": shop,
        "items": [DrinkOrder(drink=DRINKS[0]).to_json()],
        "coupon": coupon,
    }


@dataclass
class Wall:
    """A wall clock that tests move."""

    now_s: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Ledger:
    """One process's view of a database."""

    database: Database
    store: OrderStore
    outbox: Outbox
    audit: Audit
    wall: Wall = field(default_factory=Wall)

    def read(self) -> dict[str, object]:
        """The whole ledger, parsed."""
        with self.audit.ledger() as chunks:
            parsed: dict[str, object] = orjson.loads(b"".join(chunks))
        return parsed


def open_a_ledger(
    dsn: str,
    *,
    coupon_budget: int = 20,
    coupon_fen: int = 500,
    stock: int = 1000,
    lock_timeout_s: float = 10.0,
    attempts: int = 5,
    wall: Wall | None = None,
) -> Ledger:
    """Open `dsn` as a replica would."""
    moment = wall or Wall()
    database = Database(
        dsn,
        connections=16,
        lock_timeout_s=lock_timeout_s,
        attempts=attempts,
        rng=random.Random(1),
        name="orders",
    )
    terms = Terms(coupon_budget=coupon_budget, coupon_fen=coupon_fen, stock_per_drink=stock)
    store = OrderStore(database, terms, unix=moment)
    store.open()
    outbox = Outbox(database, unix=moment)
    return Ledger(database, store, outbox, Audit(database, chunk_rows=7), moment)


@pytest.fixture
def make_cart() -> Callable[..., Cart]:
    """Makes carts of one line."""
    return make_a_cart


@pytest.fixture
def make_body() -> Callable[..., dict[str, object]]:
    """Makes the JSON of the same carts."""
    return make_a_body


@pytest.fixture
def open_ledger() -> Callable[..., Ledger]:
    """Opens a replica on a DSN."""
    return open_a_ledger


@pytest.fixture
def open_replica(dsn: str) -> Iterator[Callable[..., Ledger]]:
    """Opens replicas on one database and closes them after the test."""
    opened: list[Ledger] = []

    def opener(**terms: object) -> Ledger:
        ledger = open_a_ledger(dsn, **terms)  # type: ignore[arg-type]  # its keyword arguments
        opened.append(ledger)
        return ledger

    yield opener
    for ledger in opened:
        ledger.database.close()


@pytest.fixture
def ledger(open_replica: Callable[..., Ledger]) -> Ledger:
    """One replica on a fresh database of each kind."""
    return open_replica()


class Hold:
    """Work for a database thread that goes on until it is told to end."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.end = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        if not self.end.wait(20):
            raise TimeoutError("nobody ended this work")
        return "done"


@pytest.fixture
def make_hold() -> Iterator[Callable[[], Hold]]:
    """Makes work that the test ends, or the fixture does."""
    made: list[Hold] = []

    def maker() -> Hold:
        made.append(Hold())
        return made[-1]

    yield maker
    for hold in made:
        hold.end.set()


@pytest.fixture
def answer() -> Callable[..., Answer]:
    """Makes answers of other services."""
    return json_answer


@pytest.fixture
def dispatch() -> FakeDispatch:
    """A dispatch that confirms everything until it is given a script."""
    return FakeDispatch()
