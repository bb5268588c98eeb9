"""What SQLite and PostgreSQL differ in: how a connection is opened, and what its errors mean."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

SNAPSHOT = "teashop_snapshot"
"""Execution option of a connection that only reads."""
_RETRIED_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
"""serialization_failure, deadlock_detected, lock_not_available."""


def sqlstate(error: DBAPIError) -> str | None:
    """PostgreSQL's five-letter code, or None on SQLite and without a server's answer."""
    code = getattr(error.orig, "sqlstate", None)
    return code if isinstance(code, str) else None


def is_conflict(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed when it is simply run again."""
    if sqlstate(error) in _RETRIED_SQLSTATES:
        return True
    name = getattr(error.orig, "sqlite_errorname", "")
    return str(name).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def is_gone(error: DBAPIError) -> bool:
    """Whether the connection, not the statement, failed."""
    if error.connection_invalidated:
        return True
    if getattr(error.orig, "sqlite_errorname", None) is not None:
        return False
    code = sqlstate(error)
    if code is None:
        return isinstance(error, OperationalError)
    # 25P03: the server ended an idle transaction, for which it takes one of a starved process.
    return code[:2] in {"08", "57"} or code in {"53300", "25P03"}


def open_engine(dsn: str, *, connections: int, lock_timeout_s: float) -> Engine:
    """An engine with a bounded pool and a bounded wait for locks; `ValueError` on a wrong DSN."""
    url = make_url(dsn)
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ValueError(f"dsn must name a file that replicas can share, got {dsn!r}")
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            connect_args={"timeout": lock_timeout_s, "check_same_thread": False},
        )
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    if url.get_backend_name() != "postgresql":
        raise ValueError(f"dsn must begin with sqlite:// or postgresql://, got {dsn!r}")
    lock_ms = max(1, round(lock_timeout_s * 1000))
    # A replica that hangs inside a transaction would keep its rows from everybody.
    options = f"-c lock_timeout={lock_ms} -c idle_in_transaction_session_timeout={4 * lock_ms}"
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=connections,
        max_overflow=0,
        # Text is text even from a database that was made without an encoding.
        connect_args={"options": options, "connect_timeout": 3, "client_encoding": "UTF8"},
    )


def _sqlite_connected(connection: object, _record: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: BEGIN IMMEDIATE is ours, or two processes
    # that read first and write later would meet SQLITE_BUSY that no waiting can resolve.
    connection.isolation_level = None  # type: ignore[attr-defined]  # sqlite3.Connection
    cursor = connection.cursor()  # type: ignore[attr-defined]  # the same
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    snapshot = connection.get_execution_options().get(SNAPSHOT, False)
    connection.exec_driver_sql("BEGIN" if snapshot else "BEGIN IMMEDIATE")
