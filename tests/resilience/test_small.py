"""Hysteresis and rate."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.hysteresis import Hysteresis
from teashop.resilience.rate import EwmaRate


@given(st.lists(st.floats(0, 20)))
def test_a_switch_changes_only_past_the_marks(values: list[float]) -> None:
    switch = Hysteresis(high=12.0, low=6.0)
    before = False
    for value in values:
        now = switch.update(value)
        if now != before:
            assert value >= 12.0 if now else value <= 6.0
        before = now


def test_between_the_marks_it_stays() -> None:
    switch = Hysteresis(high=2.0, low=1.0)
    assert [switch.update(v) for v in (1.5, 2.0, 1.5, 1.0, 1.5)] == [
        False,
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="low must be below high"):
        Hysteresis(high=1.0, low=1.0)


@pytest.mark.parametrize("rate_rps", [2.0, 50.0])
def test_a_steady_rate_is_found_and_forgotten(rate_rps: float) -> None:
    rng = random.Random(1)
    rate = EwmaRate(4.0)
    now_s = 100.0
    assert rate.per_second(now_s) == 0.0
    while now_s < 160.0:
        now_s += rng.expovariate(rate_rps)
        rate.add(now_s)
    assert rate.per_second(now_s) == pytest.approx(rate_rps, rel=0.5)
    assert rate.per_second(now_s + 4.0) == pytest.approx(rate.per_second(now_s) / 2, rel=0.01)


def test_a_cold_start_is_corrected() -> None:
    rate = EwmaRate(10.0)
    for i in range(51):
        rate.add(i / 10.0)
    assert rate.per_second(5.0) == pytest.approx(10.0, rel=0.1)


def test_one_event_is_no_storm() -> None:
    rate = EwmaRate(4.0)
    rate.add(0.0)
    assert rate.per_second(0.0) <= 1.2
    with pytest.raises(ValueError, match="half_life_s"):
        EwmaRate(0.0)


@given(st.lists(st.tuples(st.floats(-1, 5), st.integers(0, 5))))
def test_a_rate_is_never_negative_and_only_falls_in_silence(
    events: list[tuple[float, int]],
) -> None:
    rate = EwmaRate(2.0)
    now_s = 10.0
    for passed_s, n in events:
        now_s += passed_s
        rate.add(now_s, n)
        readings = [rate.per_second(now_s + 10 + i) for i in range(4)]
        assert all(a >= b >= 0.0 for a, b in pairwise(readings))
