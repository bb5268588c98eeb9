"""Warned before the queue is full, seldom for nothing, and told when it is over."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.notice import Kind, Notice, NoticeConfig, NoticePolicy

CONFIG = NoticeConfig(lead_s=60.0, patience_s=120.0, trend_s=10.0, confirm=3, quiet_s=60.0)
CAPACITY_RPS = 1.0
FULL = CAPACITY_RPS * CONFIG.patience_s


def day(
    policy: NoticePolicy, arrivals_rps: Callable[[float], float], seconds: int
) -> tuple[list[Notice], float | None]:
    """A shop of 1 drink a second; the notices, and when its queue was first full."""
    queue = 0.0
    notices = []
    full_s = None
    for now_s in range(seconds):
        rate_rps = max(0.0, arrivals_rps(float(now_s)))
        queue = max(0.0, queue + rate_rps - CAPACITY_RPS)
        if full_s is None and queue >= FULL:
            full_s = float(now_s)
        notice = policy.update(float(now_s), "shop-1", rate_rps, CAPACITY_RPS, queue)
        if notice is not None:
            notices.append(notice)
    return notices, full_s


@pytest.mark.parametrize("crowd_rps", [2.0, 3.0, 6.0])
def test_the_warning_goes_out_before_the_queue_is_full(crowd_rps: float) -> None:
    policy = NoticePolicy(CONFIG)
    notices, full_s = day(policy, lambda t: 0.7 if t < 60 else crowd_rps, 400)
    warning = notices[0]
    assert warning.kind is Kind.CROWD
    assert warning.shop == "shop-1"
    assert full_s is not None
    assert 60.0 <= warning.t_s < full_s - 5.0
    assert warning.t_s <= warning.at_s
    assert warning.rate_rps > CAPACITY_RPS
    assert policy.false_alarms == 0


def test_it_is_over_when_the_queue_is_half() -> None:
    policy = NoticePolicy(CONFIG)
    notices, _ = day(policy, lambda t: 3.0 if 60 <= t < 180 else 0.2, 800)
    assert [notice.kind for notice in notices] == [Kind.CROWD, Kind.WITHDRAWN]
    assert policy.false_alarms == 0


def test_a_crowd_that_does_not_come_is_withdrawn() -> None:
    policy = NoticePolicy(CONFIG)
    notices, full_s = day(policy, lambda t: 6.0 if 60 <= t < 70 else 0.5, 500)
    assert full_s is None
    assert [notice.kind for notice in notices] == [Kind.CROWD, Kind.WITHDRAWN]
    assert policy.false_alarms == 1


def test_a_crowd_that_comes_late_is_not_called_off() -> None:
    policy = NoticePolicy(CONFIG)
    notices, full_s = day(policy, lambda t: 0.7 if t < 60 else 4.0 if t < 75 else 1.1, 900)
    assert full_s is not None
    assert full_s > notices[0].at_s + 2 * CONFIG.lead_s
    assert [notice.kind for notice in notices] == [Kind.CROWD]
    assert policy.false_alarms == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_hours_of_noise_below_capacity_warn_twice_at_most(seed: int) -> None:
    rng = random.Random(seed)
    policy = NoticePolicy(CONFIG)
    day(policy, lambda _t: 0.7 * rng.expovariate(1.0), 7200)
    assert policy.issued <= 2


def test_a_steady_shop_below_its_capacity_is_left_in_peace() -> None:
    policy = NoticePolicy(CONFIG)
    day(policy, lambda _t: 0.9, 7200)
    assert policy.issued == 0


def test_a_wolf_crier_is_soon_silent() -> None:
    policy = NoticePolicy(CONFIG)
    hours = 4
    day(policy, lambda t: 5.0 if t % 240 < 10 else 0.4, 3600 * hours)
    assert 1 <= policy.false_alarms <= 6


@given(st.lists(st.floats(0, 20), min_size=1, max_size=40), st.integers(1, 60))
def test_notices_are_bounded_and_alternate(rates: list[float], hold: int) -> None:
    policy = NoticePolicy(CONFIG)
    seconds = len(rates) * hold
    notices, _ = day(policy, lambda t: rates[int(t) // hold], seconds)
    kinds = [notice.kind for notice in notices]
    assert kinds == [Kind.CROWD, Kind.WITHDRAWN] * (len(kinds) // 2) + [Kind.CROWD] * (
        len(kinds) % 2
    )
    assert policy.issued <= 1 + seconds / CONFIG.quiet_s
    assert policy.false_alarms <= policy.issued


def test_shops_are_told_apart() -> None:
    policy = NoticePolicy(CONFIG)
    told = set()
    for now_s in range(120):
        for shop, rate_rps in (("busy", 4.0), ("calm", 0.5)):
            queue = max(0.0, (rate_rps - 1.0) * now_s)
            notice = policy.update(float(now_s), shop, rate_rps, 1.0, queue)
            if notice is not None:
                told.add(notice.shop)
    assert told == {"busy"}
