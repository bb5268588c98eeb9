"""The notice feed, capacity passings and the leader's lease as rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from teashop.dispatch import schema
from teashop.dispatch.notices import Notice

_since = (
    select(schema.notices)
    .where(schema.notices.c.id > bindparam("after"))
    .order_by(schema.notices.c.id)
    .limit(bindparam("at_most"))
)
_last_crowd = (
    select(schema.notices.c.kind)
    .where(schema.notices.c.shop == bindparam("wanted"))
    .where(schema.notices.c.kind.in_(("crowd", "withdrawn")))
    .order_by(schema.notices.c.id.desc())
    .limit(1)
)
_passings = select(schema.passings).order_by(schema.passings.c.id)
_take_lease = (
    update(schema.leases)
    .where(schema.leases.c.name == "leader")
    .where(
        or_(schema.leases.c.holder == bindparam("me"), schema.leases.c.until_s < bindparam("now"))
    )
    .values(holder=bindparam("me"), until_s=bindparam("until"))
)


def open_lease(connection: Connection) -> None:
    """Put the lease there, held by nobody."""
    if connection.execute(select(schema.leases.c.name)).first() is None:
        connection.execute(insert(schema.leases), {"name": "leader", "holder": "", "until_s": 0.0})


def hold_lease(connection: Connection, *, me: str, now_s: float, until_s: float) -> bool:
    """Take or renew the lease; whether this replica is the leader in this transaction.

    The row stays locked until the transaction ends, so what the leader writes in it can never
    mix with what another leader writes.
    """
    taken = connection.execute(_take_lease, {"me": me, "now": now_s, "until": until_s})
    return taken.rowcount == 1


def release_lease(connection: Connection, *, me: str) -> None:
    """Give the lease back, so that another replica leads at once."""
    connection.execute(
        update(schema.leases).where(schema.leases.c.holder == me).values(holder="", until_s=0.0)
    )


def leader(connection: Connection) -> str:
    """Who held the lease last; empty for nobody."""
    return str(connection.execute(select(schema.leases.c.holder)).scalar_one())


def notices(connection: Connection, *, after_id: int, at_most: int) -> list[Notice]:
    """The feed after a notice's id, the oldest first."""
    rows = connection.execute(_since, {"after": after_id, "at_most": at_most})
    return [
        Notice(
            id=row.id,
            t_unix_s=row.t_unix_s,
            kind=row.kind,
            audience=row.audience,
            shop=row.shop,
            rate_drinks_per_h=row.rate_drinks_per_h,
            queue=row.queue,
            capacity_drinks_per_h=row.capacity_drinks_per_h,
            eta_s=row.eta_s,
            expected_at=row.expected_at,
        )
        for row in rows
    ]


def warned(connection: Connection, shop: str) -> bool:
    """Whether the shop's last forecast was a crowd that nobody has withdrawn."""
    return connection.execute(_last_crowd, {"wanted": shop}).scalar() == "crowd"


def passings(connection: Connection) -> list[tuple[str, float]]:
    """(shop, Unix seconds) of every time a queue passed its shop's capacity."""
    return [(row.shop, row.t_unix_s) for row in connection.execute(_passings)]


def add_notices(connection: Connection, fresh: Sequence[Notice]) -> None:
    """Append to the feed."""
    if fresh:
        connection.execute(
            insert(schema.notices),
            [
                {
                    "t_unix_s": n.t_unix_s,
                    "kind": n.kind,
                    "audience": n.audience,
                    "shop": n.shop,
                    "rate_drinks_per_h": n.rate_drinks_per_h,
                    "queue": n.queue,
                    "capacity_drinks_per_h": n.capacity_drinks_per_h,
                    "eta_s": n.eta_s,
                    "expected_at": n.expected_at,
                }
                for n in fresh
            ],
        )


def add_passings(connection: Connection, passed: Sequence[str], now_s: float) -> None:
    """Record the moment at which shops' queues passed their capacity."""
    if passed:
        connection.execute(
            insert(schema.passings), [{"shop": name, "t_unix_s": now_s} for name in passed]
        )
