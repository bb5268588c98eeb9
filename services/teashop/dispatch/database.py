"""One way to reach a database: SQLite or PostgreSQL by its DSN, short transactions.

Everything here blocks and is called from worker threads. Safe to share between threads; several
processes may share one SQLite file on one machine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from teashop.dispatch.schema import metadata

_SCHEMA_LOCK = 0x7EAD
_READ = "teashop_read"
_TRIES = 3


class DatabaseBusy(Exception):
    """The database was locked, in conflict or out of reach; trying again later makes sense."""


class Database:
    """Transactions on one database.

    Args:
        dsn: `sqlite:///path/to/file.db` or `postgresql://user@host/name`.
        connections: how many a process may hold open.
        lock_timeout_s: how long one statement waits for another transaction.

    Raises:
        ValueError: a DSN that replicas cannot share or that names another database.
    """

    def __init__(self, dsn: str, *, connections: int, lock_timeout_s: float) -> None:
        self.engine = _engine(dsn, connections=connections, lock_timeout_s=lock_timeout_s)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._lock_timeout_s = lock_timeout_s
        self._writer = threading.Lock()

    def prepare(self, fill: Callable[[Connection], None]) -> None:
        """Create what is missing and run `fill`, one process at a time."""
        if self.is_sqlite:
            # Kept by the file: a commit is one append, and it survives a killed process.
            with self.engine.connect().execution_options(**{_READ: True}) as connection:
                raw = connection.connection.driver_connection
                if raw is not None:
                    raw.execute("PRAGMA journal_mode=WAL")

        def create(connection: Connection) -> None:
            if not self.is_sqlite:  # on SQLite, BEGIN IMMEDIATE already did
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _SCHEMA_LOCK})
            metadata.create_all(connection)
            fill(connection)

        self.write(create)

    def write[T](self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and commit; again, from its beginning, on a conflict.

        `work` must be safe to repeat: after a commit whose answer was lost it runs once more.

        Raises:
            DatabaseBusy: no attempt went through.
        """
        last: DBAPIError | None = None
        for _ in range(_TRIES):
            try:
                with self._turn(), self.engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if not _passes(error):
                    raise
                last = error
        raise DatabaseBusy("The dispatch database does not answer in time.") from last

    def read[T](self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which only reads, without waiting for writers.

        Raises:
            DatabaseBusy: the database could not be read.
        """
        last: DBAPIError | None = None
        for _ in range(_TRIES):
            try:
                with self.engine.connect().execution_options(**{_READ: True}) as connection:
                    return work(connection)
            except DBAPIError as error:
                if not _passes(error):
                    raise
                last = error
        raise DatabaseBusy("The dispatch database does not answer in time.") from last

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # SQLite's busy handler polls with sleeps: threads of one process queue here instead.
        if not self.is_sqlite:
            yield
            return
        if not self._writer.acquire(timeout=self._lock_timeout_s):
            raise DatabaseBusy("The dispatch database does not answer in time.")
        try:
            yield
        finally:
            self._writer.release()


def _passes(error: DBAPIError) -> bool:
    """Whether the same transaction may succeed when it is simply run again."""
    name = getattr(error.orig, "sqlite_errorname", None)
    if name is not None:
        return str(name).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
    code = getattr(error.orig, "sqlstate", None)
    if code is None:
        return error.connection_invalidated or isinstance(error, OperationalError)
    return str(code)[:2] in {"08", "40", "57"} or code in {"55P03", "53300"}


def _engine(dsn: str, *, connections: int, lock_timeout_s: float) -> Engine:
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
    # A replica that hangs inside a transaction would keep the shop's row from everybody.
    options = f"-c lock_timeout={lock_ms} -c idle_in_transaction_session_timeout={4 * lock_ms}"
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=connections,
        max_overflow=0,
        # Text is text even from a database that was made without an encoding.
        connect_args={"options": options, "connect_timeout": 3, "client_encoding": "UTF8"},
    )


def _sqlite_connected(connection: object, _record: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: two processes that read first and write
    # later would meet SQLITE_BUSY that no waiting can resolve.
    connection.isolation_level = None  # type: ignore[attr-defined]  # sqlite3.Connection
    connection.execute("PRAGMA synchronous=NORMAL")  # type: ignore[attr-defined]  # the same


def _sqlite_begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READ, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
