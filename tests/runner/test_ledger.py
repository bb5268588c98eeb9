"""The books on the run's clock, under the names the verdict reads."""

from teastorm.runner.ledger import Settled, ledger_of

T0 = 1_790_000_000.0
ORDERS = {
    "coupons": {"budget": 100, "spent": 3},
    "outbox": {"pending": 0, "delivered": 2},
    "orders": [{"order_id": "o1", "key": "k1", "created_s": T0 + 2.5, "total_fen": 1800}],
}
DISPATCH = {
    "assignments": [
        {"order_id": "o1", "promised_s": 12.0, "promised_at": T0 + 30.0, "delivered_at": None}
    ],
    "notices": [{"t_unix_s": T0 + 4.0, "kind": "crowd", "shop": "shop-1", "eta_s": 6.0}],
    "passed": [{"shop": "shop-1", "t_unix_s": T0 + 11.0}],
}


def test_moments_count_from_the_start_and_durations_stay() -> None:
    books = ledger_of({"orders": ORDERS, "dispatch": DISPATCH}, [], t0_unix_s=T0)
    assert books["orders"][0] == {
        "order_id": "o1",
        "key": "k1",
        "created_s": 2.5,
        "total_fen": 1800,
    }
    assert books["assignments"][0] == {
        "order_id": "o1",
        "promised_s": 30.0,
        "delivered_s": None,
    }
    assert books["notices"][0] == {"t_s": 4.0, "kind": "crowd", "shop": "shop-1", "eta_s": 6.0}
    assert books["passings"] == [{"shop": "shop-1", "t_s": 11.0}]
    assert books["coupons"] == {"budget": 100, "spent": 3}


def test_what_nobody_gave_is_missing_and_not_empty() -> None:
    books = ledger_of({"orders": ORDERS}, [], t0_unix_s=T0)
    assert "assignments" not in books
    assert "notices" not in books
    assert set(ledger_of({}, [], t0_unix_s=T0)) == {"settled"}


def test_settled_outcomes_are_listed() -> None:
    one = Settled(key="k1", request_id="r1", status=201, order_id="o1")
    (row,) = ledger_of({}, [one], t0_unix_s=T0)["settled"]
    assert row == {"key": "k1", "request_id": "r1", "status": 201, "order_id": "o1"}
