"""The tables of the orders service: the same for SQLite and PostgreSQL.

Moments are Unix seconds (several replicas compare them); money is integer fen.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

metadata = MetaData()

idempotency = Table(
    "idempotency",
    metadata,
    Column("route", String(16), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("body_hash", String(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=False),
)

stock = Table(
    "stock",
    metadata,
    Column("shop", String(100), primary_key=True),
    Column("drink", String(100), primary_key=True),
    Column("left", Integer, nullable=False),
    CheckConstraint('"left" >= 0', name="stock_never_negative"),
)

coupons = Table(
    "coupons",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("budget", Integer, nullable=False),
    Column("spent", Integer, nullable=False),
    CheckConstraint("spent <= budget", name="coupons_never_oversold"),
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", String(24), primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("user", String(200), nullable=False),
    Column("shop", String(100), nullable=False),
    Column("items", LargeBinary, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("total_fen", BigInteger, nullable=False),
    Column("coupon", Boolean, nullable=False),
    Column("state", String(12), nullable=False),
    Column("created_s", Double, nullable=False),
    Column("paid_s", Double),
    Column("promised_s", Double),
    Column("revisions", Integer, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("order_id", String(24), primary_key=True),
    Column("shop", String(100), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("placed_s", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    # The next moment at which somebody may try. Claiming a row moves it past the claim's lease, so
    # that a killed replica's claims come back without anybody cleaning up.
    Column("due_s", Double, nullable=False),
    Column("delivered_s", Double),
)
feeds = Table(
    "feeds",
    metadata,
    Column("name", String(40), primary_key=True),
    # The number of the last entry that was read.
    Column("seen", BigInteger, nullable=False),
)

_waiting = outbox.c.delivered_s.is_(None)
Index("outbox_due", outbox.c.due_s, sqlite_where=_waiting, postgresql_where=_waiting)
