"""Amplification is bounded however bad the outage, and waits are spread over all they may be."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.retry import RetryBudget, RetryBudgetConfig, full_jitter_s


@given(
    st.lists(st.booleans(), max_size=500),
    st.floats(0, 1),
    st.floats(0, 20),
)
def test_the_budget_bounds_amplification(
    requests: list[bool], ratio: float, reserve: float
) -> None:
    budget = RetryBudget(RetryBudgetConfig(ratio=ratio, reserve=reserve, ceiling=50.0))
    made = retries = 0
    for first in requests:
        if first:
            budget.deposit()
            made += 1
        else:
            retries += budget.withdraw()
        assert retries <= reserve + ratio * made + 1e-6
        assert -1e-6 <= budget.tokens <= 50.0


def test_in_a_total_outage_attempts_tend_to_one_plus_the_ratio() -> None:
    budget = RetryBudget(RetryBudgetConfig())
    attempts = 0
    for _ in range(10_000):
        budget.deposit()
        attempts += 1
        attempts += sum(budget.withdraw() for _ in range(3))
    assert attempts / 10_000 == pytest.approx(1.1, abs=0.002)


def test_a_calm_saves_up_to_the_ceiling_only() -> None:
    budget = RetryBudget(RetryBudgetConfig(ratio=1.0, reserve=0.0, ceiling=3.0))
    for _ in range(100):
        budget.deposit()
    assert [budget.withdraw() for _ in range(4)] == [True, True, True, False]


def test_ten_tenths_pay_for_one() -> None:
    budget = RetryBudget(RetryBudgetConfig(ratio=0.1, reserve=0.0))
    for _ in range(10):
        assert not budget.withdraw()
        budget.deposit()
    assert budget.withdraw()


@given(st.integers(1, 10_000), st.floats(0, 10), st.floats(0, 100), st.randoms())
def test_jitter_stays_within_its_step(
    attempt: int, base_s: float, cap_s: float, rng: random.Random
) -> None:
    wait_s = full_jitter_s(attempt, base_s, cap_s, rng)
    assert 0.0 <= wait_s <= min(cap_s, base_s * 2.0 ** min(attempt - 1, 60))


def test_jitter_is_full() -> None:
    rng = random.Random(1)
    waits = [full_jitter_s(3, 1.0, 100.0, rng) for _ in range(2000)]
    assert min(waits) < 0.05
    assert max(waits) > 3.95
    assert sum(waits) / len(waits) == pytest.approx(2.0, abs=0.1)


def test_jitter_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="attempt >= 1"):
        full_jitter_s(0, 1.0, 1.0, random.Random(1))
