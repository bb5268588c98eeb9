"""The ledger for an auditor: everything at one moment, as JSON in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, case, func, select

from teashop.orders import schema
from teashop.orders.store import COUPON
from teashop.serving.database import Database

_SHOWN = (
    "order_id",
    "key",
    "user",
    "state",
    "total_fen",
    "coupon",
    "shop",
    "quantity",
    "created_s",
    "paid_s",
    "promised_s",
    "revisions",
)
_ORDERS = select(*(schema.orders.c[name] for name in _SHOWN)).order_by(
    schema.orders.c.created_s, schema.orders.c.order_id
)
_COUPONS = select(schema.coupons.c.budget, schema.coupons.c.spent).where(
    schema.coupons.c.name == COUPON
)
_OUTBOX = select(
    func.coalesce(func.sum(case((schema.outbox.c.delivered_s.is_(None), 1), else_=0)), 0),
    func.count(),
).select_from(schema.outbox)


@dataclass(frozen=True, kw_only=True, slots=True)
class CouponState:
    """The coupon budget and what is spent of it."""

    budget: int
    spent: int

    @property
    def left(self) -> int:
        """Coupons that can still be given."""
        return self.budget - self.spent


class Audit:
    """Reads the whole ledger; blocks, and never keeps writers waiting."""

    def __init__(self, database: Database, *, chunk_rows: int = 500) -> None:
        self._db = database
        self._chunk_rows = chunk_rows

    def coupons(self) -> CouponState:
        """The coupon budget now.

        Raises:
            DatabaseUnavailable.
        """
        return self._db.read(_coupons)

    @contextmanager
    def ledger(self) -> Iterator[Iterator[bytes]]:
        """Chunks of `{"coupons": {budget, spent}, "outbox": {pending, delivered}, "orders": […]}`.

        All of it is of one moment, however long the reading takes.
        """
        with self._db.snapshot() as connection:
            yield self._chunks(connection)

    def _chunks(self, connection: Connection) -> Iterator[bytes]:
        coupons = _coupons(connection)
        pending, total = connection.execute(_OUTBOX).one()
        head = orjson.dumps(
            {
                "coupons": {"budget": coupons.budget, "spent": coupons.spent},
                "outbox": {"pending": int(pending), "delivered": int(total) - int(pending)},
            }
        )
        yield head[:-1] + b',"orders":['
        # PostgreSQL would send the whole table at once without a server-side cursor.
        streaming = connection.execution_options(yield_per=self._chunk_rows)
        separator = b""
        for rows in streaming.execute(_ORDERS).partitions():
            objects = (dict(zip(_SHOWN, row, strict=True)) for row in rows)
            yield separator + b",".join(map(orjson.dumps, objects))
            separator = b","
        yield b"]}"


def _coupons(connection: Connection) -> CouponState:
    row = connection.execute(_COUPONS).one()
    return CouponState(budget=row.budget, spent=row.spent)
