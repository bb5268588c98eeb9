"""One way to reach a database: SQLite or PostgreSQL by its DSN, transactions, bounded retries.

Everything here blocks and is called from worker threads. Safe to share between threads; several
processes may share one SQLite file.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

_RETRIED_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
"""serialization_failure, deadlock_detected, lock_not_available."""
_SCHEMA_LOCK = 0x7EA5
_SNAPSHOT = "teashop_snapshot"


class DatabaseBusy(Exception):
    """The database stayed locked, or in conflict, through every retry."""


class DatabaseGone(Exception):
    """The database could not be reached, or went away in mid-transaction."""


class Database:
    """Transactions on one database.

    Writers of one process queue on a lock before SQLite's own: its busy handler polls with sleeps
    and would waste tens of milliseconds between two threads of a process; between processes it
    still has to.

    Args:
        dsn: `sqlite:///path/to/file.db` or `postgresql://user@host/name`.
        connections: how many a process may hold open.
        lock_timeout_s: how long one statement waits for another transaction.
        attempts: tries of a transaction that met a conflict; between them a full-jitter pause.
    """

    def __init__(
        self,
        dsn: str,
        *,
        connections: int,
        lock_timeout_s: float,
        attempts: int,
        rng: random.Random,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.engine = _engine(dsn, connections=connections, lock_timeout_s=lock_timeout_s)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._attempts = attempts
        self._lock_timeout_s = lock_timeout_s
        self._rng = rng
        self._pause = pause
        self._writer = threading.Lock()

    def write[T](self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and commit; again, from its beginning, on a conflict.

        `work` must be safe to repeat: after a commit whose answer was lost it runs once more.

        Raises:
            DatabaseBusy: conflicts in every attempt.
            DatabaseGone: not reachable in any attempt.
        """
        for attempt in range(1, self._attempts + 1):
            try:
                with self._writing(), self.engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                gone = is_gone(error)
                if not (gone or is_conflict(error)):
                    raise
                if attempt == self._attempts:
                    kind = DatabaseGone if gone else DatabaseBusy
                    raise kind("The order database does not answer in time.") from error
            self._pause(self._rng.uniform(0.0, min(0.2, 0.01 * 2**attempt)))
        raise AssertionError("attempts is at least 1")  # pragma: no cover - the loop returns

    def read[T](self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which only reads one statement's worth, without waiting for writers.

        Raises:
            DatabaseBusy: the database was locked.
            DatabaseGone: it could not be reached, twice.
        """
        for last in (False, True):
            try:
                with self.engine.connect().execution_options(**{_SNAPSHOT: True}) as connection:
                    return work(connection)
            except DBAPIError as error:
                if is_conflict(error):
                    raise DatabaseBusy("The order database does not answer in time.") from error
                if not is_gone(error):
                    raise
                if last:
                    raise DatabaseGone("The order database does not answer.") from error
        raise AssertionError("the loop returns or raises")  # pragma: no cover

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read-only transaction in which every statement sees the same moment."""
        options: dict[str, object] = {_SNAPSHOT: True}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection:
            yield connection

    def create(self, metadata: MetaData, seed: Callable[[Connection], None]) -> None:
        """Create the tables that are missing and run `seed`, with other processes kept out.

        Raises:
            DatabaseBusy, DatabaseGone: as `write`.
        """
        if self.is_sqlite:
            self._use_wal()

        def work(connection: Connection) -> None:
            if not self.is_sqlite:  # on SQLite, BEGIN IMMEDIATE already keeps others out
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _SCHEMA_LOCK})
            metadata.create_all(connection)
            seed(connection)

        self.write(work)

    def _use_wal(self) -> None:
        """Switch the file to WAL, which is for ever; SQLite does not wait for others in this."""
        for attempt in range(1, 51):
            raw = self.engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if attempt == 50 or "locked" not in str(error):
                    raise DatabaseGone(f"The order database cannot be opened: {error}.") from error
            else:
                return
            finally:
                raw.close()
            self._pause(self._rng.uniform(0.0, 0.05))

    def close(self) -> None:
        """Close every idle connection."""
        self.engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._sqlite_writer() if self.is_sqlite else nullcontext():
            yield

    @contextmanager
    def _sqlite_writer(self) -> Iterator[None]:
        if not self._writer.acquire(timeout=self._lock_timeout_s):
            raise DatabaseBusy("The order database does not answer in time.")
        try:
            yield
        finally:
            self._writer.release()


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
    return code[:2] in {"08", "57"} or code == "53300"


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
    # A replica that hangs inside a transaction would keep the coupon row from everybody.
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
    snapshot = connection.get_execution_options().get(_SNAPSHOT, False)
    connection.exec_driver_sql("BEGIN" if snapshot else "BEGIN IMMEDIATE")
