"""One way to reach a database: SQLite or PostgreSQL by its DSN, transactions, bounded retries.

Everything here blocks and is called from worker threads. Safe to share between threads; several
processes may share one SQLite file.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection, Insert, MetaData, Table, text
from sqlalchemy.exc import DBAPIError

from teashop.serving.database_engine import SNAPSHOT, is_conflict, is_gone, open_engine


class DatabaseUnavailable(Exception):
    """The database did not do its work; trying again later makes sense."""


class DatabaseBusy(DatabaseUnavailable):
    """The database stayed locked, or in conflict, through every retry."""


class DatabaseGone(DatabaseUnavailable):
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
        name: whose database it is, for messages; its tables are created under a lock of this name.

    Raises:
        ValueError: a DSN that replicas cannot share or that names another database.
    """

    def __init__(
        self,
        dsn: str,
        *,
        connections: int,
        lock_timeout_s: float,
        attempts: int,
        rng: random.Random,
        name: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.engine = open_engine(dsn, connections=connections, lock_timeout_s=lock_timeout_s)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._name = name
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
                    raise kind(f"The {self._name} database does not answer in time.") from error
            self._pause(self._rng.uniform(0.0, min(0.2, 0.01 * 2**attempt)))
        raise AssertionError("attempts is at least 1")  # pragma: no cover - the loop returns

    def read[T](self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which only reads, without waiting for writers.

        On PostgreSQL each statement sees its own moment, and has no BEGIN and ROLLBACK around it:
        a look at one order goes there and back once, not three times.

        Raises:
            DatabaseBusy: the database was locked.
            DatabaseGone: it could not be reached, twice.
        """
        options: dict[str, object] = {SNAPSHOT: True}
        if not self.is_sqlite:
            options["isolation_level"] = "AUTOCOMMIT"
        for last in (False, True):
            try:
                with self.engine.connect().execution_options(**options) as connection:
                    return work(connection)
            except DBAPIError as error:
                if is_conflict(error):
                    raise DatabaseBusy(
                        f"The {self._name} database does not answer in time."
                    ) from error
                if not is_gone(error):
                    raise
                if last:
                    raise DatabaseGone(f"The {self._name} database does not answer.") from error
        raise AssertionError("the loop returns or raises")  # pragma: no cover

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read-only transaction in which every statement sees the same moment."""
        options: dict[str, object] = {SNAPSHOT: True}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection:
            yield connection

    def insert_ignoring(self, table: Table) -> Insert:
        """An INSERT that does nothing where the row is there already."""
        # Only the one that is used: the PostgreSQL dialect imports all of its drivers' modules.
        if self.is_sqlite:
            from sqlalchemy.dialects.sqlite import insert as into_sqlite  # noqa: PLC0415 - as said

            return into_sqlite(table).on_conflict_do_nothing()
        from sqlalchemy.dialects.postgresql import insert as into_postgresql  # noqa: PLC0415 - as said

        return into_postgresql(table).on_conflict_do_nothing()

    def create(self, metadata: MetaData, seed: Callable[[Connection], None]) -> None:
        """Create the tables that are missing and run `seed`, with other processes kept out.

        Raises:
            DatabaseBusy, DatabaseGone: as `write`.
        """
        if self.is_sqlite:
            self._use_wal()

        def work(connection: Connection) -> None:
            if not self.is_sqlite:  # on SQLite, BEGIN IMMEDIATE already keeps others out
                lock = zlib.crc32(self._name.encode())
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": lock})
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
                    raise DatabaseGone(
                        f"The {self._name} database cannot be opened: {error}."
                    ) from error
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
            raise DatabaseBusy(f"The {self._name} database does not answer in time.")
        try:
            yield
        finally:
            self._writer.release()
