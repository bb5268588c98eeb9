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
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from teashop.orders import schema
from teashop.orders.model import (
    Answer,
    Cart,
    IllegalTransition,
    KeyInFlight,
    KeyReused,
    OrderUnknown,
    OrderView,
    Route,
    SoldOut,
    State,
    order_id_of,
    reachable_from,
)
from teashop.orders.prices import total_fen
from teashop.serving.database import Database
from teashop.serving.database_engine import sqlstate

COUPON = "milk-tea"
_LOCK_NOT_AVAILABLE = "55P03"


def _state_before(state: State) -> ColumnElement[bool]:
    """The guard of a transition; plain ORs, since IN cannot be executed for many rows at once."""
    return or_(*(schema.orders.c.state == before.value for before in reachable_from(state)))


_ANSWERED = update(schema.idempotency).where(
    schema.idempotency.c.route == bindparam("b_route"),
    schema.idempotency.c.key == bindparam("b_key"),
)
_FIRST = select(
    schema.idempotency.c.body_hash, schema.idempotency.c.status, schema.idempotency.c.answer
).where(
    schema.idempotency.c.route == bindparam("b_route"),
    schema.idempotency.c.key == bindparam("b_key"),
)
_SPEND = (
    update(schema.coupons)
    .where(
        schema.coupons.c.name == COUPON,
        schema.coupons.c.spent < schema.coupons.c.budget,
    )
    .values(spent=schema.coupons.c.spent + 1)
)
_TAKE = (
    update(schema.stock)
    .where(
        schema.stock.c.shop == bindparam("b_shop"),
        schema.stock.c.drink == bindparam("b_drink"),
        schema.stock.c.left >= bindparam("b_quantity"),
    )
    .values(left=schema.stock.c.left - bindparam("b_quantity"))
)
_PAY = (
    update(schema.orders)
    .where(
        schema.orders.c.order_id == bindparam("b_order"),
        _state_before(State.PAID),
    )
    .values(state=State.PAID.value, paid_s=bindparam("b_now"))
)
ASSIGN = (
    update(schema.orders)
    .where(
        and_(
            schema.orders.c.order_id == bindparam("b_order"),
            _state_before(State.ASSIGNED),
            schema.orders.c.promised_s.is_not(None),
        )
    )
    .values(state=State.ASSIGNED.value)
)
"""Moves a paid order on once its shop has promised; whichever of the two comes last does it."""
_FIND = select(schema.orders.c.state, schema.orders.c.promised_s).where(
    schema.orders.c.order_id == bindparam("b_order")
)


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
        self._coupons_gone = False
        # RETURNING tells whether the row went in; drivers disagree on an INSERT's row count.
        self._claim = self._db.insert_ignoring(schema.idempotency).returning(
            schema.idempotency.c.key
        )
        self._stock = self._db.insert_ignoring(schema.stock)

    def open(self) -> None:
        """Create what is missing; the first process of all sets the coupon budget."""

        def seed(connection: Connection) -> None:
            connection.execute(
                self._db.insert_ignoring(schema.coupons),
                {"name": COUPON, "budget": self._terms.coupon_budget, "spent": 0},
            )

        self._db.create(schema.metadata, seed)

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
        first = self._begin(connection, Route.CHECKOUT, key, cart.digest(), 201, body)
        if first is not None:
            return first
        connection.execute(_INSERT_ORDER, order)
        connection.execute(
            _INSERT_OUTBOX,
            {
                "order_id": order["order_id"],
                "shop": cart.shop,
                "quantity": cart.quantity,
                "placed_s": order["created_s"],
                "attempts": 0,
                "due_s": order["created_s"],
            },
        )
        for drink, quantity in cart.quantities():
            self._take(connection, cart.shop, drink, quantity)
        if coupon and connection.execute(_SPEND).rowcount == 0:
            # Nobody gives one back: the order stands, for its full price.
            self._coupons_gone = True
            order = self._order(cart, key, coupon=False)
            body = _placed(order, eta_s)
            changed = {"coupon": False, "total_fen": order["total_fen"]}
            connection.execute(_REPRICE, {"b_order": order["order_id"], **changed})
            connection.execute(
                _ANSWERED, {"b_route": Route.CHECKOUT.value, "b_key": key, "answer": body}
            )
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
        return self._db.read(lambda c: _first(c, Route.CHECKOUT, key, cart.digest()))

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
        first = self._begin(connection, Route.PAYMENT, key, digest, 200, body)
        if first is not None:
            return first
        named = {"b_order": order_id, "b_now": self._unix()}
        if connection.execute(_PAY, named).rowcount == 0:
            row = connection.execute(_FIND, named).first()
            if row is None:
                raise OrderUnknown(f"There is no order {order_id!r}.")
            raise IllegalTransition(f"Order {order_id!r} is {row.state}; it cannot be paid again.")
        connection.execute(ASSIGN, named)
        return Answer(status=200, body=body, replayed=False)

    def find(self, order_id: str) -> OrderView:
        """An order as it stands.

        Raises:
            OrderUnknown, DatabaseUnavailable.
        """
        row = self._db.read(lambda c: c.execute(_FIND, {"b_order": order_id}).first())
        if row is None:
            raise OrderUnknown(f"There is no order {order_id!r}.")
        eta_s = None if row.promised_s is None else max(0.0, row.promised_s - self._unix())
        return OrderView(order_id=order_id, state=State(row.state), eta_s=eta_s)

    def _begin(
        self,
        connection: Connection,
        route: Route,
        key: str,
        body_hash: str,
        status: int,
        body: bytes,
    ) -> Answer | None:
        """Take the key for this transaction, with its answer to be, or return its first answer.

        A second request with the key waits here for the first one's commit: on PostgreSQL at the
        unique index, on SQLite at BEGIN IMMEDIATE. Without a commit there is no answer either.
        """
        row = {
            "route": route.value,
            "key": key,
            "body_hash": body_hash,
            "status": status,
            "answer": body,
        }
        try:
            taken = connection.execute(self._claim, row).first()
        except DBAPIError as error:
            if sqlstate(error) == _LOCK_NOT_AVAILABLE:
                raise KeyInFlight(
                    "A request with this Idempotency-Key is still being served."
                ) from error
            raise
        return None if taken is not None else _first(connection, route, key, body_hash)

    def _take(self, connection: Connection, shop: str, drink: str, quantity: int) -> None:
        wanted = {"b_shop": shop, "b_drink": drink, "b_quantity": quantity}
        if connection.execute(_TAKE, wanted).rowcount == 1:
            return
        # Shops and drinks are not known beforehand: their stock begins when first asked for.
        full = {"shop": shop, "drink": drink, "left": self._terms.stock_per_drink}
        connection.execute(self._stock, full)
        if connection.execute(_TAKE, wanted).rowcount == 0:
            raise SoldOut(f"Shop {shop!r} has fewer than {quantity} cups of {drink!r} left.")


_INSERT_ORDER = insert(schema.orders)
_INSERT_OUTBOX = insert(schema.outbox)
_REPRICE = update(schema.orders).where(schema.orders.c.order_id == bindparam("b_order"))


def _placed(order: Mapping[str, object], eta_s: float | None) -> bytes:
    """The answer to a checkout."""
    told = {name: order[name] for name in ("order_id", "state", "total_fen", "coupon")}
    return orjson.dumps({**told, "eta_s": eta_s})


def _first(connection: Connection, route: Route, key: str, body_hash: str) -> Answer | None:
    row = connection.execute(_FIRST, {"b_route": route.value, "b_key": key}).first()
    if row is None:
        return None
    if row.body_hash != body_hash:
        raise KeyReused("This Idempotency-Key was used before with another request.")
    return Answer(status=row.status, body=bytes(row.answer), replayed=True)
