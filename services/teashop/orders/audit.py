"""The ledger for an auditor: everything at one moment, as JSON in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from sqlalchemy import Connection, case, func, select

from teashop.orders import coupons, schema
from teashop.orders.coupons import CouponState
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
_OUTBOX = select(
    func.coalesce(func.sum(case((schema.outbox.c.delivered_s.is_(None), 1), else_=0)), 0),
    func.count(),
).select_from(schema.outbox)


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
        return self._db.read(coupons.state)

    @contextmanager
    def ledger(self) -> Iterator[Iterator[bytes]]:
        """Chunks of `{"coupons": {budget, spent}, "outbox": {pending, delivered}, "orders": […]}`.

        All of it is of one moment, however long the reading takes.
        """
        with self._db.snapshot() as connection:
            yield self._chunks(connection)

    def _chunks(self, connection: Connection) -> Iterator[bytes]:
        budget = coupons.state(connection)
        pending, total = connection.execute(_OUTBOX).one()
        head = orjson.dumps(
            {
                "coupons": {"budget": budget.budget, "spent": budget.spent},
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
