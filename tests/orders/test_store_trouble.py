"""The ledger in trouble: busy, locked, lost and shared databases, and who waits for whom."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy as sa

from teashop.orders import schema
from teashop.orders.model import (
    KeyInFlight,
    Route,
    State,
    order_id_of,
)
from teashop.serving.database import DatabaseBusy, DatabaseGone


def test_the_database_itself_refuses_to_oversell(open_replica):
    ledger = open_replica(coupon_budget=1)
    with pytest.raises(sa.exc.IntegrityError), ledger.database.engine.begin() as connection:
        connection.execute(sa.update(schema.coupons).values(spent=2))


def test_a_key_in_flight_elsewhere_is_no_double(
    postgres_dsn, open_ledger: Callable[..., object], make_cart
):
    ledger = open_ledger(postgres_dsn, lock_timeout_s=0.1)
    # Another's transaction may idle for long; the server would soon end one of the impatient ledger.
    patient = open_ledger(postgres_dsn)
    row = {
        "route": Route.CHECKOUT.value,
        "key": "k1",
        "body_hash": make_cart().digest(),
        "status": 201,
        "answer": b"{}",
    }
    with patient.database.engine.connect() as other:
        other.execute(sa.insert(schema.idempotency), row)
        with pytest.raises(KeyInFlight):
            ledger.store.place(make_cart(), "k1", eta_s=None)
        other.rollback()
    assert not ledger.store.place(make_cart(), "k1", eta_s=None).replayed
    patient.database.close()
    ledger.database.close()


def test_a_locked_file_is_busy_and_reads_go_on(sqlite_dsn, open_ledger, make_cart):
    ledger = open_ledger(sqlite_dsn, lock_timeout_s=0.02, attempts=2)
    ledger.store.place(make_cart(), "k1", eta_s=None)
    with ledger.database.engine.begin():
        with pytest.raises(DatabaseBusy):
            ledger.store.place(make_cart(), "k2", eta_s=None)
        assert ledger.store.find(order_id_of("k1")).state is State.PLACED
    ledger.store.place(make_cart(), "k2", eta_s=None)
    ledger.database.close()


def test_a_busy_row_is_busy_on_postgresql(postgres_dsn, open_ledger, make_cart):
    ledger = open_ledger(postgres_dsn, lock_timeout_s=0.05, attempts=2)
    # Not through the shop's own engine, which has the server end a transaction that idles.
    with psycopg.connect(postgres_dsn) as other:
        other.execute("SELECT * FROM coupons FOR UPDATE")
        with pytest.raises(DatabaseBusy):
            ledger.store.place(make_cart(coupon=True), "k1", eta_s=None)
    assert ledger.read()["orders"] == []
    ledger.database.close()


def test_the_coupon_is_the_last_thing_a_checkout_waits_for(
    postgres_dsn, open_ledger: Callable[..., object], make_cart
):
    """Everybody wants that row: whoever has it must have nothing left to do but to commit."""
    ledger = open_ledger(postgres_dsn)
    said: list[str] = []
    sa.event.listen(
        ledger.database.engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: said.append(statement),
    )
    ledger.store.place(make_cart(coupon=True), "k1", eta_s=None)
    assert said[-1].startswith("UPDATE coupons")
    ledger.database.close()


def test_a_lost_connection_is_made_again(postgres_dsn, open_ledger, make_cart):
    ledger = open_ledger(postgres_dsn)
    ledger.store.place(make_cart(), "k1", eta_s=None)
    with ledger.database.engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert ledger.store.find(order_id_of("k1")).state is State.PLACED
    assert not ledger.store.place(make_cart(), "k2", eta_s=None).replayed
    ledger.database.close()


def test_no_database_at_all_is_gone(tmp_path, open_ledger):
    with pytest.raises(DatabaseGone):
        open_ledger(f"postgresql://postgres@/none?host={tmp_path}", attempts=1)


@pytest.mark.parametrize("dsn", ["sqlite://", "sqlite:///:memory:", "mysql://x/y"])
def test_a_dsn_that_replicas_cannot_share_is_refused(dsn, open_ledger):
    with pytest.raises(ValueError, match="dsn must"):
        open_ledger(dsn)
