"""Idempotency keys as rows: each with the digest of its request and the answer that it got first.

Every call runs in a transaction of its caller.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import DBAPIError

from teashop.orders import schema
from teashop.orders.model import Answer, KeyInFlight, KeyReused, Route
from teashop.serving.database import Database
from teashop.serving.database_engine import sqlstate

_LOCK_NOT_AVAILABLE = "55P03"

_keys = schema.idempotency.c
_this_key = (_keys.route == bindparam("b_route"), _keys.key == bindparam("b_key"))
_FIRST = select(_keys.body_hash, _keys.status, _keys.answer).where(*_this_key)
_ANSWERED = update(schema.idempotency).where(*_this_key)


class Keys:
    """The keys of one ledger. Holds no state of its own: safe to share between threads."""

    def __init__(self, database: Database) -> None:
        # RETURNING tells whether the row went in; drivers disagree on an INSERT's row count.
        self._claim = database.insert_ignoring(schema.idempotency).returning(_keys.key)

    def begin(
        self,
        connection: Connection,
        route: Route,
        key: str,
        *,
        body_hash: str,
        status: int,
        body: bytes,
    ) -> Answer | None:
        """Take the key for this transaction, with its answer to be, or return its first answer.

        A second request with the key waits here for the first one's commit: on PostgreSQL at the
        unique index, on SQLite at BEGIN IMMEDIATE. Without a commit there is no answer either.

        Raises:
            KeyReused, KeyInFlight.
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
        return None if taken is not None else first(connection, route, key, body_hash=body_hash)


def first(connection: Connection, route: Route, key: str, *, body_hash: str) -> Answer | None:
    """The answer that a key has, if it has one; KeyReused when another request got it."""
    row = connection.execute(_FIRST, {"b_route": route.value, "b_key": key}).first()
    if row is None:
        return None
    if row.body_hash != body_hash:
        raise KeyReused("This Idempotency-Key was used before with another request.")
    return Answer(status=row.status, body=bytes(row.answer), replayed=True)


def answer_otherwise(connection: Connection, route: Route, key: str, body: bytes) -> None:
    """Change the answer to be of a key that this transaction took."""
    connection.execute(_ANSWERED, {"b_route": route.value, "b_key": key, "answer": body})
