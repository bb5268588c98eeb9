"""Assignments and their promises as rows; each function runs in a transaction of its caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update

from teashop.dispatch import schema
from teashop.dispatch.promises import Promise


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """One order at one shop; times are Unix seconds, `first_…` seconds from `accepted_at_s`.

    Attributes:
        finish: the value of the shop's `made` at which it is ready.
        pickup_at_s, delivered_at_s: None until a courier has it.
    """

    order_id: str
    shop: str
    drinks: int
    placed_s: float | None
    accepted_at_s: float
    finish: float
    first_promised_s: float
    first_eta_s: float
    promise: Promise
    pickup_at_s: float | None = None
    delivered_at_s: float | None = None


_by_order = select(schema.assignments).where(schema.assignments.c.order_id == bindparam("wanted"))
_position = (
    func.row_number()
    .over(partition_by=schema.assignments.c.shop, order_by=schema.assignments.c.finish)
    .label("position")
)
_waiting = (
    select(schema.assignments, _position)
    .where(schema.assignments.c.pickup_at_s.is_(None))
    .subquery("waiting")
)
_due = (
    select(_waiting)
    .join(schema.shops, schema.shops.c.shop == _waiting.c.shop)
    .where(
        or_(
            _waiting.c.finish <= schema.shops.c.made,
            _waiting.c.promised_at_s <= bindparam("soon"),
        )
    )
    .order_by(_waiting.c.shop, _waiting.c.finish)
)
_ahead = select(func.count()).where(
    schema.assignments.c.pickup_at_s.is_(None),
    schema.assignments.c.shop == bindparam("at_shop"),
    schema.assignments.c.finish < bindparam("finish_of"),
)
_every = select(schema.assignments).order_by(
    schema.assignments.c.accepted_at_s, schema.assignments.c.order_id
)
_save_progress = (
    update(schema.assignments)
    .where(schema.assignments.c.order_id == bindparam("wanted"))
    .values(
        promised_at_s=bindparam("promised"),
        revisions=bindparam("count"),
        late=bindparam("ran_out"),
        pickup_at_s=bindparam("pickup"),
        delivered_at_s=bindparam("delivered"),
    )
)


def assignment(connection: Connection, order_id: str) -> Assignment | None:
    """One order's assignment."""
    row = connection.execute(_by_order, {"wanted": order_id}).one_or_none()
    return None if row is None else _assignment(row)


def add_assignment(connection: Connection, new: Assignment) -> None:
    """Insert an assignment; IntegrityError when the order has one."""
    connection.execute(
        insert(schema.assignments),
        {
            "order_id": new.order_id,
            "shop": new.shop,
            "drinks": new.drinks,
            "placed_s": new.placed_s,
            "accepted_at_s": new.accepted_at_s,
            "finish": new.finish,
            "first_promised_s": new.first_promised_s,
            "first_eta_s": new.first_eta_s,
            "promised_at_s": new.promise.promised_at_s,
            "revisions": new.promise.revisions,
            "late": new.promise.late,
        },
    )


def due(connection: Connection, soon_s: float) -> list[tuple[Assignment, int]]:
    """Orders without a courier that are ready by their shop's row, or promised before `soon_s`.

    Each with the number of orders of its shop before it; by shop, then in the order in which
    they get ready.
    """
    rows = connection.execute(_due, {"soon": soon_s})
    return [(_assignment(row), row.position - 1) for row in rows]


def every(connection: Connection) -> list[Assignment]:
    """All assignments, the oldest first."""
    rows = connection.execute(_every)
    return [_assignment(row) for row in rows]


def ahead_of(connection: Connection, of: Assignment) -> int:
    """How many orders of the same shop get a courier before this one."""
    return connection.execute(_ahead, {"at_shop": of.shop, "finish_of": of.finish}).scalar_one()


def save_progress(connection: Connection, changed: Sequence[Assignment]) -> None:
    """Write the promises and the trips of assignments."""
    if changed:
        connection.execute(
            _save_progress,
            [
                {
                    "wanted": a.order_id,
                    "promised": a.promise.promised_at_s,
                    "count": a.promise.revisions,
                    "ran_out": a.promise.late,
                    "pickup": a.pickup_at_s,
                    "delivered": a.delivered_at_s,
                }
                for a in changed
            ],
        )


def _assignment(row: Row[tuple[object, ...]]) -> Assignment:
    m = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Assignment(
        order_id=m["order_id"],
        shop=m["shop"],
        drinks=m["drinks"],
        placed_s=m["placed_s"],
        accepted_at_s=m["accepted_at_s"],
        finish=m["finish"],
        first_promised_s=m["first_promised_s"],
        first_eta_s=m["first_eta_s"],
        promise=Promise(
            order_id=m["order_id"],
            promised_at_s=m["promised_at_s"],
            revisions=m["revisions"],
            late=m["late"],
        ),
        pickup_at_s=m["pickup_at_s"],
        delivered_at_s=m["delivered_at_s"],
    )
