"""What dispatch promised anew after an order was handed over, written into the ledger.

Dispatch numbers its revisions; `seen` of the last one is kept beside the orders, so that a replica
that starts, or takes over, goes on where another one stopped. Calls block and are safe between
threads and processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, or_, select, update

from teashop.orders import order_rows, schema
from teashop.serving.database import Database

_FEED = "dispatch"


@dataclass(frozen=True, kw_only=True, slots=True)
class Revised:
    """A promise as it stands: `promised_at_s` in Unix seconds, after so many revisions of it.

    Attributes:
        id: of the revision that told of it, rising.
    """

    id: int
    order_id: str
    promised_at_s: float
    revisions: int


_orders = schema.orders.c
_SEEN = select(schema.feeds.c.seen).where(schema.feeds.c.name == _FEED)
_REVISE = (
    update(schema.orders)
    .where(
        _orders.order_id == bindparam("b_order"),
        # Replicas may tell the same thing twice, and not in order: the later revision stays.
        or_(_orders.promised_s.is_(None), _orders.revisions < bindparam("b_revisions")),
    )
    .values(promised_s=bindparam("b_promised"), revisions=bindparam("b_revisions"))
)
_MOVE = (
    update(schema.feeds)
    .where(schema.feeds.c.name == _FEED, schema.feeds.c.seen < bindparam("b_seen"))
    .values(seen=bindparam("b_seen"))
)


class Promises:
    """The revised promises of one ledger."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def seen(self) -> int:
        """The number of the last revision that is written down.

        Raises:
            DatabaseUnavailable.
        """
        return self._db.read(lambda c: int(c.execute(_SEEN).scalar() or 0))

    def revise(self, revised: Sequence[Revised]) -> int:
        """Write some down, in one transaction; how many orders changed. Safe to repeat.

        Raises:
            DatabaseUnavailable.
        """
        return self._db.write(lambda c: self._revise(c, revised)) if revised else 0

    def _revise(self, connection: Connection, revised: Sequence[Revised]) -> int:
        # By order id: two replicas with the same rows lock them alike.
        rows = sorted(revised, key=lambda r: (r.order_id, r.revisions))
        changed = 0
        for row in rows:
            result = connection.execute(
                _REVISE,
                {
                    "b_order": row.order_id,
                    "b_promised": row.promised_at_s,
                    "b_revisions": row.revisions,
                },
            )
            changed += result.rowcount
        order_rows.assign(connection, [row.order_id for row in rows])
        self._move(connection, max(row.id for row in revised))
        return changed

    def _move(self, connection: Connection, seen: int) -> None:
        connection.execute(self._db.insert_ignoring(schema.feeds), {"name": _FEED, "seen": 0})
        connection.execute(_MOVE, {"b_seen": seen})
