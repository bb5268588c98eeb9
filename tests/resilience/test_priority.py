"""Whole levels before fractions of a higher one, and the threshold settles."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.criticality import Criticality
from teashop.resilience.priority import PriorityConfig, Threshold

WINDOWS = st.lists(
    st.tuples(st.booleans(), st.lists(st.sampled_from(Criticality), max_size=40)), max_size=60
)


def driven(windows: list[tuple[bool, list[Criticality]]], config: PriorityConfig) -> Threshold:
    threshold = Threshold(config)
    now_s = 0.0
    for overloaded, offered in windows:
        for i, criticality in enumerate(offered):
            threshold.admits(criticality, f"u{i}", now_s)
        threshold.observe(now_s, overloaded)
        now_s += config.window_s
    return threshold


@given(WINDOWS, st.text(max_size=12), st.floats(0, 1e5))
def test_never_admits_a_lower_while_refusing_a_higher_of_the_same_user(
    windows: list[tuple[bool, list[Criticality]]], user: str, now_s: float
) -> None:
    threshold = driven(windows, PriorityConfig())
    admitted = [threshold.admits(level, user, now_s) for level in Criticality]
    assert admitted == sorted(admitted, reverse=True)


@given(WINDOWS, st.floats(0, 1e5))
def test_what_is_announced_explains_what_is_admitted(
    windows: list[tuple[bool, list[Criticality]]], now_s: float
) -> None:
    threshold = driven(windows, PriorityConfig())
    level, share = threshold.announced().split(":")
    assert 0 <= int(level) <= 3
    assert 0.0 <= float(share) <= 1.0
    for criticality in Criticality:
        for user in ("ann", "bo", "cy", "di"):
            if threshold.admits(criticality, user, now_s):
                assert criticality <= int(level)
                if criticality == int(level):
                    assert threshold.position(user, now_s) <= float(share) + 0.001
            else:
                assert criticality >= int(level)


@given(WINDOWS)
def test_the_floor_is_never_shed(windows: list[tuple[bool, list[Criticality]]]) -> None:
    threshold = driven(windows, PriorityConfig(floor=2.0))
    for user in ("ann", "bo"):
        assert threshold.admits(Criticality.CRITICAL_PLUS, user, 1e6)
        assert threshold.admits(Criticality.CRITICAL, user, 1e6)


def test_a_user_is_treated_alike_for_one_rotation_and_the_losers_change() -> None:
    threshold = Threshold(PriorityConfig(rotation_s=60.0))
    users = [f"user-{i}" for i in range(400)]
    first = [threshold.position(user, 61.0) for user in users]
    assert first == [threshold.position(user, 119.0) for user in users]
    second = [threshold.position(user, 121.0) for user in users]
    both_low = sum(a < 0.5 and b < 0.5 for a, b in zip(first, second, strict=True))
    assert 70 <= both_low <= 130
    assert 0.4 <= sum(first) / len(first) <= 0.6


class Day:
    """Offered load against a capacity; a window is overloaded when more was let in than fits."""

    def __init__(self, config: PriorityConfig, *, capacity_rps: float, seed: int) -> None:
        self.threshold = Threshold(config)
        self.window_s = config.window_s
        self.capacity = capacity_rps * config.window_s
        self.rng = random.Random(seed)
        self.now_s = 0.0

    def second(self, mix: dict[Criticality, float]) -> Counter[Criticality]:
        """One second of arrivals at `mix` a second; returns what was admitted."""
        admitted: Counter[Criticality] = Counter()
        for _ in range(round(1.0 / self.window_s)):
            passed = 0
            for criticality, rate_rps in mix.items():
                for _ in range(round(rate_rps * self.window_s)):
                    user = f"u{self.rng.randrange(5000)}"
                    if self.threshold.admits(criticality, user, self.now_s):
                        passed += 1
                        admitted[criticality] += 1
            self.now_s += self.window_s
            self.threshold.observe(self.now_s, passed > self.capacity)
        return admitted


MIX = {
    Criticality.CRITICAL_PLUS: 20.0,
    Criticality.CRITICAL: 20.0,
    Criticality.SHEDDABLE_PLUS: 240.0,
    Criticality.SHEDDABLE: 20.0,
}


def test_settles_at_capacity_under_three_times_the_load() -> None:
    day = Day(PriorityConfig(), capacity_rps=100.0, seed=3)
    for _ in range(4):
        day.second(MIX)
    total: Counter[Criticality] = Counter()
    for _ in range(20):
        total += day.second(MIX)
    assert 85 * 20 <= total.total() <= 112 * 20
    assert total[Criticality.CRITICAL_PLUS] == total[Criticality.CRITICAL] == 400
    assert total[Criticality.SHEDDABLE] == 0


def test_opens_again_within_three_seconds() -> None:
    day = Day(PriorityConfig(), capacity_rps=100.0, seed=4)
    for _ in range(15):
        day.second(MIX)
    assert day.threshold.level == 2
    calm = {level: rate / 4 for level, rate in MIX.items()}
    for _ in range(3):
        day.second(calm)
    assert day.threshold.announced() == "3:1.000"


def test_critical_goes_only_when_the_levels_below_are_gone() -> None:
    mix = {Criticality.CRITICAL: 200.0, Criticality.SHEDDABLE_PLUS: 100.0}
    day = Day(PriorityConfig(), capacity_rps=100.0, seed=5)
    for _ in range(6):
        day.second(mix)
    total: Counter[Criticality] = Counter()
    for _ in range(10):
        total += day.second(mix)
    assert total[Criticality.SHEDDABLE_PLUS] == 0
    assert 800 <= total[Criticality.CRITICAL] <= 1150


def test_without_traffic_it_opens() -> None:
    threshold = driven([(True, [Criticality.SHEDDABLE] * 10)] * 5, PriorityConfig())
    assert threshold.level == 3
    assert threshold.share < 1.0
    threshold.observe(100.0, overloaded=False)
    threshold.observe(200.0, overloaded=False)
    assert threshold.announced() == "3:1.000"


@given(WINDOWS, st.sampled_from(Criticality), st.text(max_size=12))
def test_whoever_found_no_place_is_followed_by_nobody_less_important(
    windows: list[tuple[bool, list[Criticality]]], level: Criticality, user: str
) -> None:
    threshold = driven(windows, PriorityConfig())
    before = [threshold.admits(each, user, 0.0) for each in Criticality]
    threshold.crowd_out(level)
    after = [threshold.admits(each, user, 0.0) for each in Criticality]
    assert not any(after[level + 1 :])
    assert after[: level + 1] == before[: level + 1]
    assert threshold.level <= max(level, int(PriorityConfig().floor))


def test_whom_a_crowd_shut_out_is_let_in_again_window_by_window() -> None:
    threshold = Threshold(PriorityConfig())
    threshold.crowd_out(Criticality.SHEDDABLE_PLUS)
    assert threshold.announced() == "2:1.000"
    now_s = 0.0
    for _ in range(40):
        threshold.admits(Criticality.SHEDDABLE, "ann", now_s)
        threshold.observe(now_s, overloaded=False)
        now_s += PriorityConfig().window_s
    assert threshold.announced() == "3:1.000"
