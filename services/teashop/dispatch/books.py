"""What can be read back: promises, the feed, and the audit that a check computes from.

Blocks on the database: call it from worker threads.
"""

from __future__ import annotations

from sqlalchemy import Connection

from teashop.dispatch import assignment_rows, bodies, feed_rows, revision_rows, shop_rows
from teashop.dispatch.bodies import Body
from teashop.dispatch.promises import eta_s
from teashop.dispatch.street import Street
from teashop.serving.database import Database

_PAGE = 1000


class Books:
    """Read-only answers from the database."""

    def __init__(self, database: Database, street: Street) -> None:
        self._database = database
        self._street = street

    def promise(self, order_id: str, now_s: float) -> Body | None:
        """One order's promise as it stands; None for an order nobody assigned."""

        def read(connection: Connection) -> Body | None:
            found = assignment_rows.assignment(connection, order_id)
            if found is None:
                return None
            arrives_at_s = found.delivered_at_s
            standing = shop_rows.shop(connection, found.shop)
            if arrives_at_s is None and standing is not None:
                arrives_at_s = standing.shop.as_of_s + eta_s(
                    standing.shop,
                    standing.couriers,
                    found.finish,
                    assignment_rows.ahead_of(connection, found),
                    self._street.rules,
                    self._street.promises,
                )
            return bodies.promise(
                found,
                arrives_at_s=found.promise.promised_at_s if arrives_at_s is None else arrives_at_s,
                now_s=now_s,
            )

        return self._database.read(read)

    def notices(self, after_id: int) -> list[Body]:
        """The feed after a notice's id, the oldest first, at most a page of 1,000."""
        found = self._database.read(
            lambda c: feed_rows.notices(c, after_id=after_id, at_most=_PAGE)
        )
        return [bodies.notice(n) for n in found]

    def revisions(self, after_id: int) -> list[Body]:
        """Promises told anew after a revision's id, the oldest first, at most a page of 1,000."""
        found = self._database.read(
            lambda c: revision_rows.told_anew(c, after_id=after_id, at_most=_PAGE)
        )
        return [bodies.revision(number, promise) for number, promise in found]

    def audit(self, now_s: float) -> Body:
        """Everything a check needs, of one moment."""

        def read(connection: Connection) -> Body:
            return {
                "as_of": now_s,
                "assignments": [
                    bodies.audited(a, now_s=now_s) for a in assignment_rows.every(connection)
                ],
                "notices": [
                    bodies.notice(n)
                    for n in feed_rows.notices(connection, after_id=0, at_most=1_000_000)
                ],
                "passed": [
                    {"shop": shop, "t_unix_s": t} for shop, t in feed_rows.passings(connection)
                ],
                "leader": feed_rows.leader(connection),
            }

        return self._database.read(read)
