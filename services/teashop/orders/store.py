"""The ledger: orders exactly once per Idempotency-Key, coupons never oversold, payment.

Every call is one transaction and blocks; call it from a worker thread. Safe to share between
threads and, over one database, between processes.

Rows are locked in one order, so that no two calls can wait for each other: idempotency, orders,
outbox, stock (by drink), coupons. What many want comes last: the coupon's row, which every other
checkout asks for, is held for the commit alone. With a busy processor each statement before that
would be tens of milliseconds in which nobody else gets a coupon.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from teashop.orders import coupons, keys, order_rows, schema
from teashop.orders.keys import Keys
from teashop.orders.model import (
    Answer,
    Cart,
    IllegalTransition,
    OrderUnknown,
    OrderView,
    Route,
    State,
    order_id_of,
)
from teashop.orders.prices import total_fen
from teashop.orders.stock import Stock
from teashop.serving.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What the shop sells on.

    Attributes:
        coupon_budget: coupons in all, set by the first process that opens the database.
        coupon_fen: what one takes off.
        stock_per_drink: cups of each drink that each shop starts with.
    """

    coupon_budget: int
    coupon_fen: int
    stock_per_drink: int


class OrderStore:
    """Places, pays and finds orders.

    Args:
        unix: seconds since 1970, comparable between replicas.
    """

    def __init__(self, database: Database, terms: Terms, *, unix: Callable[[], float]) -> None:
        self._db = database
        self._terms = terms
        self._unix = unix
        self._keys = Keys(database)
        self._stock = Stock(database, terms.stock_per_drink)
        self._coupons_gone = False

    def open(self) -> None:
        """Create what is missing; the first process of all sets the coupon budget."""
        budget = self._terms.coupon_budget
        self._db.create(schema.metadata, lambda c: coupons.seed(c, self._db, budget))

    def place(self, cart: Cart, key: str, *, eta_s: float | None) -> Answer:
        """Place an order, or give the key's first answer again.

        One transaction: the key, stock, coupon, order and outbox row are all there or none is. A
        coupon that is asked for when the budget is spent leaves the order at its full price.

        Args:
            eta_s: the shop's quote for the answer, None when there is none.

        Raises:
            KeyReused, KeyInFlight, SoldOut, DatabaseUnavailable.
        """
        return self._db.write(lambda connection: self._place(connection, cart, key, eta_s))

    def _place(self, connection: Connection, cart: Cart, key: str, eta_s: float | None) -> Answer:
        coupon = cart.coupon and not self._coupons_gone
        order = self._order(cart, key, coupon=coupon)
        body = _placed(order, eta_s)
        first = self._keys.begin(
            connection, Route.CHECKOUT, key, body_hash=cart.digest(), status=201, body=body
        )
        if first is not None:
            return first
        order_rows.add(connection, order)
        for drink, quantity in cart.quantities():
            self._stock.take(connection, cart.shop, drink, quantity)
        if coupon and not coupons.spend(connection):
            # Nobody gives one back: the order stands, for its full price.
            self._coupons_gone = True
            order = self._order(cart, key, coupon=False)
            body = _placed(order, eta_s)
            order_rows.reprice(connection, order)
            keys.answer_otherwise(connection, Route.CHECKOUT, key, body)
        return Answer(status=201, body=body, replayed=False)

    def _order(self, cart: Cart, key: str, *, coupon: bool) -> dict[str, object]:
        """The row of an order that is placed now."""
        return {
            "order_id": order_id_of(key),
            "key": key,
            "user": cart.user,
            "shop": cart.shop,
            "items": cart.items_json(),
            "quantity": cart.quantity,
            "total_fen": total_fen(cart, coupon_fen=self._terms.coupon_fen if coupon else 0),
            "coupon": coupon,
            "state": State.PLACED.value,
            "created_s": self._unix(),
            "revisions": 0,
        }

    def first_answer(self, cart: Cart, key: str) -> Answer | None:
        """The answer a checkout's key already has, without placing anything.

        Raises:
            KeyReused, DatabaseUnavailable.
        """
        digest = cart.digest()
        return self._db.read(lambda c: keys.first(c, Route.CHECKOUT, key, body_hash=digest))

    def pay(self, order_id: str, key: str) -> Answer:
        """Pay an order, or give the key's first answer again.

        Raises:
            OrderUnknown, IllegalTransition (it is paid already, under another key), KeyReused,
            KeyInFlight, DatabaseUnavailable.
        """
        return self._db.write(lambda connection: self._pay(connection, order_id, key))

    def _pay(self, connection: Connection, order_id: str, key: str) -> Answer:
        digest = hashlib.blake2b(order_id.encode(), digest_size=16).hexdigest()
        body = orjson.dumps({"order_id": order_id, "state": State.PAID.value})
        first = self._keys.begin(
            connection, Route.PAYMENT, key, body_hash=digest, status=200, body=body
        )
        if first is not None:
            return first
        if not order_rows.pay(connection, order_id, self._unix()):
            found = order_rows.find(connection, order_id)
            if found is None:
                raise OrderUnknown(f"There is no order {order_id!r}.")
            raise IllegalTransition(
                f"Order {order_id!r} is {found.state}; it cannot be paid again."
            )
        order_rows.assign(connection, [order_id])
        return Answer(status=200, body=body, replayed=False)

    def find(self, order_id: str) -> OrderView:
        """An order as it stands.

        Raises:
            OrderUnknown, DatabaseUnavailable.
        """
        found = self._db.read(lambda connection: order_rows.find(connection, order_id))
        if found is None:
            raise OrderUnknown(f"There is no order {order_id!r}.")
        promised_s = found.promised_s
        eta_s = None if promised_s is None else max(0.0, promised_s - self._unix())
        return OrderView(order_id=order_id, state=found.state, eta_s=eta_s)


def _placed(order: Mapping[str, object], eta_s: float | None) -> bytes:
    """The answer to a checkout."""
    told = {name: order[name] for name in ("order_id", "state", "total_fen", "coupon")}
    return orjson.dumps({**told, "eta_s": eta_s})
