"""Laws over all inputs, where each policy's own tests look at chosen ones."""

import random
from collections import Counter
from itertools import pairwise
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teashop.resilience.balance import RoundRobin
from teashop.resilience.hysteresis import Hysteresis
from teashop.resilience.ladder import (
    CLASSES,
    DEPENDENCIES,
    NEEDS,
    STATES,
    Rung,
    allowed,
    allowed_in,
)
from teashop.resilience.quota import QuotaConfig, QuotaExceeded, Quotas
from teashop.resilience.rate import EwmaRate
from teashop.resilience.retry import RetryBudget, RetryBudgetConfig
from teashop.resilience.retry_after import RetryAfter, RetryAfterConfig
from teashop.resilience.two_choices import Balancer

any_time = settings(deadline=None)
KLASS = st.sampled_from(CLASSES)
MOMENT = st.dictionaries(st.sampled_from(DEPENDENCIES), st.sampled_from(STATES))


class Watched(random.Random):
    """Gives prepared draws, so that the two replicas a choice looked at are known."""

    def __init__(self, draws: list[float]) -> None:
        super().__init__(0)
        self.draws = draws

    def random(self) -> float:
        return self.draws.pop(0)


@any_time
@given(
    st.lists(st.integers(0, 8), min_size=2, max_size=8),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
)
def test_p2c_takes_the_less_loaded_of_the_two_it_drew(
    outstanding: list[int], one: float, other: float
) -> None:
    names = [f"pod-{i}" for i in range(len(outstanding))]
    balancer = Balancer()
    for name, calls in zip(names, outstanding, strict=True):
        for _ in range(calls):
            balancer.started(name, 0.0)
    chosen = balancer.choose(names, Watched([one, other]), 0.0)
    first = int(one * len(names))
    rest = [i for i in range(len(names)) if i != first]
    second = rest[int(other * len(rest))]
    assert chosen in {names[first], names[second]}
    assert outstanding[names.index(chosen)] == min(outstanding[first], outstanding[second])


@any_time
@given(st.integers(1, 9), st.integers(1, 200))
def test_round_robin_gives_each_its_share_to_within_one(count: int, calls: int) -> None:
    names = [f"pod-{i}" for i in range(count)]
    turns = RoundRobin()
    given_to = Counter(turns.choose(names, random.Random(1), 0.0) for _ in range(calls))
    shares = [given_to[name] for name in names]
    assert sum(shares) == calls
    assert max(shares) - min(shares) <= 1


@any_time
@given(st.data(), st.integers(1, 6))
def test_round_robin_asks_the_excluded_only_if_there_is_no_other(
    data: st.DataObject, count: int
) -> None:
    names = [f"pod-{i}" for i in range(count)]
    turns = RoundRobin()
    for exclude in data.draw(st.lists(st.sets(st.sampled_from(names)), max_size=20)):
        chosen = turns.choose(names, random.Random(1), 0.0, exclude)
        assert chosen not in exclude or exclude == set(names)


@any_time
@given(st.lists(st.integers(0, 4), max_size=300), st.floats(0, 1), st.floats(0, 20))
def test_the_budget_bounds_retries_over_any_stretch(
    asked: list[int], ratio: float, reserve: float
) -> None:
    """Not from the start only: between any two moments at most the ceiling and the share."""
    ceiling = 20.0
    budget = RetryBudget(RetryBudgetConfig(ratio=ratio, reserve=reserve, ceiling=ceiling))
    made = []
    for retries in asked:
        budget.deposit()
        made.append(sum(budget.withdraw() for _ in range(retries)))
    for start in range(0, len(made), 17):
        stretch = made[start:]
        assert sum(stretch) <= ceiling + ratio * len(stretch) + 1e-6


@any_time
@given(st.integers(2, 120), st.floats(0, 1), st.floats(0, 5), st.floats(0.01, 1e3))
def test_a_longer_backlog_is_never_told_to_come_sooner(
    maximum_s: int, jitter: float, spread_s: float, rate_rps: float
) -> None:
    """Draw by draw, hence in expectation: the same luck never gives a smaller number for more.

    Along a ramp of waits past the cap, since it is near the cap that the spread has to give way.
    """
    policy = RetryAfter(RetryAfterConfig(maximum_s=maximum_s, jitter=jitter, spread_s=spread_s))
    waits_s = [maximum_s * step / 20 for step in range(31)]
    for luck in (0.0, 0.25, 0.5, 0.75, 0.999):
        told = [policy.seconds(wait_s * rate_rps, rate_rps, Watched([luck])) for wait_s in waits_s]
        assert told == sorted(told)
        assert policy.seconds(1.0, 0.0, Watched([luck])) >= told[-1]


@any_time
@given(st.floats(0.5, 50), st.integers(2, 20), st.floats(0, 1))
def test_a_quota_refills_at_its_rate_and_to_its_burst(
    rate_rps: float, burst: int, part: float
) -> None:
    def passed(quotas: Quotas, now_s: float) -> int:
        for count in range(burst + 1):
            try:
                quotas.take("ann", now_s)
            except QuotaExceeded:
                return count
        return burst + 1

    quotas = Quotas(QuotaConfig(rate_rps=rate_rps, burst=burst))
    assert passed(quotas, 0.0) == burst
    pause_s = part * burst / rate_rps
    assert passed(quotas, pause_s) == pytest.approx(part * burst, abs=1.0)
    assert passed(quotas, pause_s + 10 * burst / rate_rps) == burst


@any_time
@given(st.floats(0.5, 200), st.floats(0.5, 30), st.integers(0, 1000))
def test_the_rate_converges_to_the_rate(rate_rps: float, half_life_s: float, seed: int) -> None:
    """Of evenly spaced events at a random moment between two, to within one event's weight."""
    rate = EwmaRate(half_life_s)
    gap_s = 1.0 / rate_rps
    events = int(12 * half_life_s * rate_rps) + 1
    for i in range(events):
        rate.add(i * gap_s)
    now_s = (events - 1 + random.Random(seed).random()) * gap_s
    one_event_rps = 0.7 / half_life_s
    assert abs(rate.per_second(now_s) - rate_rps) <= one_event_rps + 0.01 * rate_rps


def test_the_rate_is_unbiased_for_random_arrivals() -> None:
    rng = random.Random(1)
    rate = EwmaRate(4.0)
    now_s = 0.0
    readings = []
    for i in range(40_000):
        now_s += rng.expovariate(20.0)
        rate.add(now_s)
        if i > 2000 and i % 50 == 0:
            readings.append(rate.per_second(now_s + rng.uniform(0.0, 0.05)))
    assert mean(readings) == pytest.approx(20.0, rel=0.05)


@any_time
@given(st.lists(st.floats(-1, 1), max_size=300), st.floats(-100, 100), st.floats(2.01, 50))
def test_noise_narrower_than_the_gap_flips_a_switch_once_at_most(
    noise: list[float], level: float, gap: float
) -> None:
    switch = Hysteresis(high=level + gap / 2, low=level - gap / 2)
    for centre in (level, level + gap / 2):
        states = [switch.on, *(switch.update(centre + value) for value in noise)]
        assert sum(a != b for a, b in pairwise(states)) <= 1


@any_time
@given(MOMENT, KLASS)
def test_only_what_a_class_needs_matters_and_what_is_unnamed_is_full(
    states: dict[str, str], klass: str
) -> None:
    needed = {name: state for name, state in states.items() if name in NEEDS[klass]}
    spelt_out = dict.fromkeys(DEPENDENCIES, "full") | states
    assert allowed_in(states, klass) == allowed_in(needed, klass) == allowed_in(spelt_out, klass)


@any_time
@given(st.sampled_from(DEPENDENCIES), st.sampled_from(STATES), KLASS)
def test_one_trouble_is_its_row_of_the_contract(dependency: str, state: str, klass: str) -> None:
    together = allowed_in({dependency: state}, klass)
    row = set(allowed(dependency, state, klass))
    if dependency not in NEEDS[klass]:
        assert together == set(allowed(dependency, "full", klass))
    elif state == "out" or len(NEEDS[klass]) == 1:
        assert together == row
    else:
        assert together == row | {Rung.NONE}


@any_time
@given(MOMENT, KLASS)
def test_some_answer_is_always_allowed_and_none_that_needs_what_is_out(
    states: dict[str, str], klass: str
) -> None:
    together = allowed_in(states, klass)
    assert together
    for name in NEEDS[klass]:
        row = set(allowed(name, states.get(name, "full"), klass))
        if states.get(name) == "out":
            assert together <= row | {Rung.REFUSED}
            if row == {Rung.REFUSED}:
                assert together == row
    if all(states.get(name, "full") == "full" for name in NEEDS[klass]):
        assert Rung.REFUSED not in together
