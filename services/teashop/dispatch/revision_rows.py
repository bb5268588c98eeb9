"""Promises told anew as rows, numbered; each function runs in a transaction of its caller."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, select

from teashop.dispatch import schema
from teashop.dispatch.promises import Promise

_told_anew = (
    select(
        schema.revisions.c.id,
        schema.assignments.c.order_id,
        schema.assignments.c.promised_at_s,
        schema.assignments.c.revisions,
        schema.assignments.c.late,
    )
    .join(schema.assignments, schema.assignments.c.order_id == schema.revisions.c.order_id)
    .where(schema.revisions.c.id > bindparam("after"))
    .order_by(schema.revisions.c.id)
    .limit(bindparam("at_most"))
)


def told_anew(connection: Connection, *, after_id: int, at_most: int) -> list[tuple[int, Promise]]:
    """(id, promise as it stands now) of the revisions after one's id, the oldest first.

    Only the leader's rounds write revisions, one after the other, so ids come in their order.
    """
    rows = connection.execute(_told_anew, {"after": after_id, "at_most": at_most})
    return [
        (
            row.id,
            Promise(
                order_id=row.order_id,
                promised_at_s=row.promised_at_s,
                revisions=row.revisions,
                late=row.late,
            ),
        )
        for row in rows
    ]


def add(connection: Connection, now_s: float, changes: Sequence[tuple[Promise, Promise]]) -> None:
    """Record (old, new) promises."""
    if changes:
        connection.execute(
            insert(schema.revisions),
            [
                {
                    "order_id": new.order_id,
                    "t_unix_s": now_s,
                    "from_s": old.promised_at_s,
                    "to_s": new.promised_at_s,
                }
                for old, new in changes
            ],
        )
