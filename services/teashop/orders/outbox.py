"""The transactional outbox: which assignments dispatch has not confirmed yet.

A row is written with its order. Whoever claims it has it for a lease; if that replica dies, the
row is due again when the lease ends, so delivery is at least once and its receipt must be
idempotent. Calls block and are safe between threads and processes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, update

from teashop.orders import order_rows, schema
from teashop.serving.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """An assignment to deliver; `placed_s` is in Unix seconds, `attempts` counts this one."""

    order_id: str
    shop: str
    quantity: int
    placed_s: float
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """Dispatch has the order.

    Attributes:
        eta_s: it promised it within so many seconds from now; None when it did not say.
        promised_at_s: the moment it promised, in Unix seconds. An answer that is given again counts
            `eta_s` from when the order was taken, which may be long ago; a moment is a moment.
    """

    order_id: str
    eta_s: float | None
    promised_at_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Deferral:
    """Dispatch does not have the order; try again in `delay_s`."""

    order_id: str
    delay_s: float


_box = schema.outbox.c
_due = (_box.delivered_s.is_(None), _box.due_s <= bindparam("b_now"))
_PEEK = select(_box.order_id).where(*_due).limit(1)
_CLAIM = (
    select(_box.order_id, _box.shop, _box.quantity, _box.placed_s, _box.attempts)
    .where(*_due)
    .order_by(_box.due_s)
    .limit(bindparam("b_limit"))
    .with_for_update(skip_locked=True)  # SQLite has no such clause and needs none
)
_LEASE = (
    update(schema.outbox)
    .where(_box.order_id == bindparam("b_order"))
    .values(attempts=_box.attempts + 1, due_s=bindparam("b_due"))
)
_DELIVERED = (
    update(schema.outbox)
    .where(_box.order_id == bindparam("b_order"), _box.delivered_s.is_(None))
    .values(delivered_s=bindparam("b_now"))
)
_DEFERRED = (
    update(schema.outbox)
    .where(_box.order_id == bindparam("b_order"), _box.delivered_s.is_(None))
    .values(due_s=bindparam("b_due"))
)
_PROMISED = (
    update(schema.orders)
    .where(
        schema.orders.c.order_id == bindparam("b_order"),
        # The first promise; what is promised anew comes by its own way (promises.py).
        schema.orders.c.promised_s.is_(None),
    )
    .values(promised_s=bindparam("b_promised"))
)
_PENDING = select(func.count()).select_from(schema.outbox).where(_box.delivered_s.is_(None))


class Outbox:
    """Claims, confirms and defers deliveries.

    Args:
        unix: seconds since 1970; leases are compared between replicas, so their clocks may differ
            by no more than the lease exceeds a delivery's time-out.
    """

    def __init__(self, database: Database, *, unix: Callable[[], float]) -> None:
        self._db = database
        self._unix = unix

    def claim(self, limit: int, *, lease_s: float) -> tuple[Delivery, ...]:
        """Take up to `limit` due rows for `lease_s`; nobody else gets them meanwhile.

        Raises:
            DatabaseUnavailable.
        """
        # An idle relay must not take the write lock ten times a second.
        now = {"b_now": self._unix()}
        if self._db.read(lambda c: c.execute(_PEEK, now).first()) is None:
            return ()
        return self._db.write(lambda c: self._claim(c, limit, lease_s))

    def _claim(self, connection: Connection, limit: int, lease_s: float) -> tuple[Delivery, ...]:
        now = self._unix()
        rows = connection.execute(_CLAIM, {"b_now": now, "b_limit": limit}).all()
        if rows:
            leases = [{"b_order": row.order_id, "b_due": now + lease_s} for row in rows]
            connection.execute(_LEASE, leases)
        return tuple(
            Delivery(
                order_id=row.order_id,
                shop=row.shop,
                quantity=row.quantity,
                placed_s=row.placed_s,
                attempts=row.attempts + 1,
            )
            for row in rows
        )

    def record(self, receipts: Sequence[Receipt], deferrals: Sequence[Deferral]) -> None:
        """Write down what became of some deliveries, in one transaction; safe to repeat.

        Raises:
            DatabaseUnavailable.
        """
        if receipts or deferrals:
            self._db.write(lambda c: self._record(c, receipts, deferrals))

    def _record(
        self, connection: Connection, receipts: Sequence[Receipt], deferrals: Sequence[Deferral]
    ) -> None:
        now = self._unix()
        # By order id: two replicas with the same rows (a lease ran out) lock them alike.
        late = sorted(deferrals, key=lambda d: d.order_id)
        done = sorted(receipts, key=lambda r: r.order_id)
        promised = [
            {"b_order": r.order_id, "b_promised": at_s}
            for r in done
            if (at_s := _promised_at_s(r, now)) is not None
        ]
        if late:
            rows = [{"b_order": d.order_id, "b_due": now + d.delay_s} for d in late]
            connection.execute(_DEFERRED, rows)
        if done:
            connection.execute(_DELIVERED, [{"b_order": r.order_id, "b_now": now} for r in done])
        if promised:
            connection.execute(_PROMISED, promised)
            order_rows.assign(connection, [str(row["b_order"]) for row in promised])

    def pending(self) -> int:
        """How many assignments dispatch has not confirmed.

        Raises:
            DatabaseUnavailable.
        """
        return self._db.read(lambda c: int(c.execute(_PENDING).scalar_one()))


def _promised_at_s(receipt: Receipt, now_s: float) -> float | None:
    if receipt.promised_at_s is not None:
        return receipt.promised_at_s
    return None if receipt.eta_s is None else now_s + receipt.eta_s
