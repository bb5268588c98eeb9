"""The contract has every row, and says what the issue says."""

import itertools

import pytest

from teashop.resilience.ladder import (
    CLASSES,
    CONTRACT,
    DEPENDENCIES,
    LATER,
    NEEDS,
    STATES,
    Rung,
    allowed,
    allowed_in,
)

ROWS = list(itertools.product(DEPENDENCIES, STATES))


def test_every_row_and_every_class_is_there() -> None:
    assert set(CONTRACT) == set(ROWS)
    for row in CONTRACT.values():
        assert set(row) == set(CLASSES)
        assert all(row.values())
    assert {(d, s, k) for d, s, k in LATER} <= {(d, s, k) for d, s in ROWS for k in CLASSES}


@pytest.mark.parametrize(("dependency", "state"), ROWS)
@pytest.mark.parametrize("klass", CLASSES)
def test_what_a_class_does_not_need_does_not_touch_it(
    dependency: str, state: str, klass: str
) -> None:
    if dependency not in NEEDS[klass]:
        assert allowed(dependency, state, klass) == allowed(dependency, "full", klass)


@pytest.mark.parametrize("klass", CLASSES)
@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_a_healthy_shop_refuses_nobody(dependency: str, klass: str) -> None:
    assert Rung.REFUSED not in allowed(dependency, "full", klass)


def test_without_ai_no_answer_claims_it() -> None:
    assert {Rung.FULL, Rung.SHORT}.isdisjoint(allowed("inference", "out", "chat"))
    assert set(allowed("inference", "overloaded", "chat")) == set(Rung) - {Rung.NONE}


def test_without_orders_only_refusals() -> None:
    for klass in ("checkout", "payment", "status"):
        assert allowed("orders", "out", klass) == (Rung.REFUSED,)
    assert allowed("orders", "overloaded", "payment") == (Rung.NONE,)


def test_without_dispatch_payment_and_status_stay_good() -> None:
    assert set(allowed("dispatch", "out", "checkout")) == {Rung.NONE, Rung.REFUSED}
    for klass in ("payment", "status", "menu"):
        assert allowed("dispatch", "out", klass) == (Rung.NONE,)


def test_two_troubles_at_once() -> None:
    both = {"orders": "overloaded", "dispatch": "out", "inference": "out"}
    assert allowed_in(both, "checkout") == {Rung.NONE, Rung.REFUSED}
    assert Rung.FULL not in allowed_in(both, "chat")
    assert allowed_in(both, "menu") == {Rung.NONE}
    assert allowed_in({"orders": "out", "dispatch": "overloaded"}, "checkout") == {Rung.REFUSED}
    assert allowed_in({}, "chat") == set(allowed("inference", "full", "chat"))


def test_what_is_not_in_the_contract_is_refused() -> None:
    with pytest.raises(ValueError, match="no row inference/tired"):
        allowed("inference", "tired", "chat")
    with pytest.raises(ValueError, match="no class 'gossip'"):
        allowed_in({}, "gossip")
    with pytest.raises(ValueError, match="no row moon/out"):
        allowed_in({"moon": "out"}, "chat")
