"""The tables of dispatch: the same for SQLite and PostgreSQL.

Moments are Unix seconds (several replicas compare them); amounts are drinks.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

shops = Table(
    "shops",
    metadata,
    Column("shop", String(64), primary_key=True),
    Column("taken", Double, nullable=False),
    Column("made", Double, nullable=False),
    Column("as_of_s", Double, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("offered", Double, nullable=False),
    Column("demand_per_s", Double, nullable=False),
    # A JSON list of moments. Only the leader's tick writes it, always all of it, so that rows of
    # their own would cost a statement for each courier and answer no question.
    Column("couriers", Text, nullable=False),
)

assignments = Table(
    "assignments",
    metadata,
    Column("order_id", String(128), primary_key=True),
    Column("shop", String(64), nullable=False),
    Column("drinks", Integer, nullable=False),
    Column("placed_s", Double),
    Column("accepted_at_s", Double, nullable=False),
    Column("finish", Double, nullable=False),
    # What the first answer said, for repeated requests.
    Column("first_promised_s", Double, nullable=False),
    Column("first_eta_s", Double, nullable=False),
    Column("promised_at_s", Double, nullable=False),
    Column("revisions", Integer, nullable=False),
    Column("late", Boolean, nullable=False),
    # Both are empty until a courier has the order.
    Column("pickup_at_s", Double),
    Column("delivered_at_s", Double),
    Index("assignments_in_the_making", "pickup_at_s", "shop", "finish"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("order_id", String(128), nullable=False, index=True),
    Column("t_unix_s", Double, nullable=False),
    Column("from_s", Double, nullable=False),
    Column("to_s", Double, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("t_unix_s", Double, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("audience", String(16), nullable=False),
    Column("shop", String(64), nullable=False),
    Column("rate_drinks_per_h", Double, nullable=False),
    Column("queue", Double, nullable=False),
    Column("capacity_drinks_per_h", Double, nullable=False),
    Column("eta_s", Double),
    Column("expected_at", Double),
)

passings = Table(
    "passings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("shop", String(64), nullable=False),
    Column("t_unix_s", Double, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(128), nullable=False),
    Column("until_s", Double, nullable=False),
)
