"""The baristas' real pace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.dispatch.pace import Pace

moments = st.floats(1.6e9, 1.6e9 + 5000, allow_nan=False)
paces = st.builds(
    Pace,
    seed=st.integers(0, 99),
    variation=st.floats(0, 0.5),
    period_s=st.floats(0.5, 60),
)


@given(pace=paces, moments=st.lists(moments, min_size=3, max_size=3))
def test_work_adds_up_whoever_looks_in_between(pace: Pace, moments: list[float]) -> None:
    a, b, c = sorted(moments)
    parts = pace.seconds_of_plan("s", a, b) + pace.seconds_of_plan("s", b, c)
    assert parts == pytest.approx(pace.seconds_of_plan("s", a, c), abs=1e-5)


@given(pace=paces, a=moments, b=moments)
def test_work_stays_within_the_variation(pace: Pace, a: float, b: float) -> None:
    a, b = sorted((a, b))
    done = pace.seconds_of_plan("s", a, b)
    assert (b - a) * (1 - pace.variation) - 1e-5 <= done <= (b - a) * (1 + pace.variation) + 1e-5


def test_time_that_runs_backwards_does_no_work() -> None:
    pace = Pace(seed=1, variation=0.1, period_s=5)
    assert pace.seconds_of_plan("s", 100.0, 99.0) == 0.0


def test_every_replica_computes_the_same_pace_and_shops_differ() -> None:
    one, other = (Pace(seed=7, variation=0.1, period_s=5) for _ in range(2))
    assert one.at("shop-1", 1234.5) == other.at("shop-1", 1234.5)
    assert one.at("shop-1", 1234.5) != one.at("shop-2", 1234.5)
    assert one.at("shop-1", 1234.5) != one.at("shop-1", 1239.6)


def test_a_very_long_absence_is_bounded_work() -> None:
    pace = Pace(seed=1, variation=0.1, period_s=0.001)
    assert pace.seconds_of_plan("s", 0.0, 1e6) == 1e6


@pytest.mark.parametrize(
    ("field", "value"), [("variation", 1.0), ("variation", -0.1), ("period_s", 0.0)]
)
def test_refuses_what_cannot_be_meant(field: str, value: float) -> None:
    good = {"seed": 1, "variation": 0.1, "period_s": 5.0}
    with pytest.raises(ValueError, match=field):
        Pace(**{**good, field: value})  # type: ignore[arg-type]  # one bad field on purpose
