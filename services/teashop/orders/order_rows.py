"""Orders as rows; each function runs in a transaction of its caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, bindparam, insert, or_, select, update

from teashop.orders import schema
from teashop.orders.model import State, reachable_from


def _state_before(state: State) -> ColumnElement[bool]:
    """The guard of a transition; plain ORs, since IN cannot be executed for many rows at once."""
    return or_(*(schema.orders.c.state == before.value for before in reachable_from(state)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a look at an order reads; the shop's promise in Unix seconds, None without one."""

    state: State
    promised_s: float | None


_this_order = schema.orders.c.order_id == bindparam("b_order")
_ADD = insert(schema.orders)
_ADD_DELIVERY = insert(schema.outbox)
_REPRICE = update(schema.orders).where(_this_order)
_PAY = (
    update(schema.orders)
    .where(_this_order, _state_before(State.PAID))
    .values(state=State.PAID.value, paid_s=bindparam("b_now"))
)
_ASSIGN = (
    update(schema.orders)
    .where(_this_order, _state_before(State.ASSIGNED), schema.orders.c.promised_s.is_not(None))
    .values(state=State.ASSIGNED.value)
)
_FIND = select(schema.orders.c.state, schema.orders.c.promised_s).where(_this_order)


def add(connection: Connection, order: Mapping[str, object]) -> None:
    """Write a new order (a whole row) and the delivery to dispatch that it asks for."""
    connection.execute(_ADD, order)
    connection.execute(
        _ADD_DELIVERY,
        {
            "order_id": order["order_id"],
            "shop": order["shop"],
            "quantity": order["quantity"],
            "placed_s": order["created_s"],
            "attempts": 0,
            "due_s": order["created_s"],
        },
    )


def reprice(connection: Connection, order: Mapping[str, object]) -> None:
    """Write the order's coupon and total anew."""
    connection.execute(
        _REPRICE,
        {
            "b_order": order["order_id"],
            "coupon": order["coupon"],
            "total_fen": order["total_fen"],
        },
    )


def pay(connection: Connection, order_id: str, now_s: float) -> bool:
    """Mark an order as paid at `now_s` (Unix seconds); False when it may not be, or is not there."""
    return connection.execute(_PAY, {"b_order": order_id, "b_now": now_s}).rowcount == 1


def assign(connection: Connection, order_ids: Iterable[str]) -> None:
    """Move paid orders on whose shop has promised; whichever of the two comes last does it."""
    connection.execute(_ASSIGN, [{"b_order": order_id} for order_id in order_ids])


def find(connection: Connection, order_id: str) -> Found | None:
    """Where an order stands; None when there is no such order."""
    row = connection.execute(_FIND, {"b_order": order_id}).first()
    return None if row is None else Found(state=State(row.state), promised_s=row.promised_s)
