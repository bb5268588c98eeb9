"""Couriers are finite."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.dispatch.couriers import Couriers

TRIP_S = 15.0
counts = st.integers(1, 6)
gaps = st.lists(st.floats(0, 20), max_size=40)


def ready_times(gaps: list[float]) -> list[float]:
    return list(itertools.accumulate(gaps))


@given(count=counts, gaps=gaps)
def test_never_more_are_away_at_once_than_there_are(count: int, gaps: list[float]) -> None:
    trips = [(ready, TRIP_S) for ready in ready_times(gaps)]
    _, pickups = Couriers.waiting(count).send(trips)
    for moment in pickups:
        assert sum(1 for p in pickups if p <= moment < p + TRIP_S) <= count


@given(count=counts, gaps=gaps)
def test_no_order_leaves_before_it_is_ready_or_waits_while_one_is_free(
    count: int, gaps: list[float]
) -> None:
    ready = ready_times(gaps)
    _, pickups = Couriers.waiting(count).send((r, TRIP_S) for r in ready)
    assert pickups == sorted(pickups)
    for i, (r, p) in enumerate(zip(ready, pickups, strict=True)):
        assert p >= r
        if p > r:  # it had to wait: everybody is on the trip of an earlier order
            assert sum(1 for q in pickups[:i] if q + TRIP_S >= p) >= count


@given(count=counts, first=gaps, second=gaps)
def test_sending_in_two_batches_is_sending_in_one(
    count: int, first: list[float], second: list[float]
) -> None:
    ready = ready_times(first + second)
    trips = [(r, TRIP_S) for r in ready]
    whole, pickups = Couriers.waiting(count).send(trips)
    half, early = Couriers.waiting(count).send(trips[: len(first)])
    rest, late = half.send(trips[len(first) :])
    assert early + late == pickups
    assert rest == whole


@given(
    count=counts,
    gaps=gaps,
    ahead=st.integers(0, 30),
    ready_in_s=st.floats(0, 60),
    more=st.integers(0, 10),
    later_s=st.floats(0, 20),
)
def test_the_estimate_never_falls_with_a_longer_line(
    count: int, gaps: list[float], ahead: int, ready_in_s: float, more: int, later_s: float
) -> None:
    ready = ready_times(gaps)
    couriers, _ = Couriers.waiting(count).send((r, TRIP_S) for r in ready)
    now_s = ready[-1] if ready else 0.0

    def estimate(ready_s: float, ahead: int) -> float:
        return couriers.pickup_s(ready_s, ahead, TRIP_S, now_s=now_s)

    base = estimate(now_s + ready_in_s, ahead)
    assert base >= now_s + ready_in_s
    assert estimate(now_s + ready_in_s, ahead + more) >= base - 1e-6
    assert estimate(now_s + ready_in_s + later_s, ahead) >= base - 1e-6


@given(count=counts, ahead=st.integers(0, 40), speed=st.floats(0.1, 10))
def test_the_estimate_is_near_what_happens_to_a_steady_line(
    count: int, ahead: int, speed: float
) -> None:
    ready = [(i + 1) / speed for i in range(ahead + 1)]
    _, pickups = Couriers.waiting(count).send((r, TRIP_S) for r in ready)
    told = Couriers.waiting(count).pickup_s(ready[-1], ahead, TRIP_S, now_s=0.0)
    assert told == pytest.approx(pickups[-1], rel=0.15, abs=1.0 / speed + 1e-6)


def test_away_counts_those_on_a_trip() -> None:
    couriers, _ = Couriers.waiting(3).send([(10.0, TRIP_S), (12.0, TRIP_S)])
    assert [couriers.away(t) for t in (12.0, 25.0, 27.0)] == [2, 1, 0]


def test_a_shop_needs_a_courier() -> None:
    with pytest.raises(ValueError, match="at least one courier"):
        Couriers(())
