"""At least one second, at most the cap, spread, and longer for a longer backlog."""

import random
from statistics import mean

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from teashop.resilience.retry_after import RetryAfter, RetryAfterConfig

ANY = st.floats(allow_nan=True, allow_infinity=True)


@example(-1e200, 1e-200, random.Random(1), 1, 1, 0.0)  # no jitter of minus infinity is a number
@given(ANY, ANY, st.randoms(), st.integers(1, 5), st.integers(1, 100), st.floats(0, 1))
def test_a_whole_number_within_bounds_whatever_comes(
    backlog: float, rate_rps: float, rng: random.Random, low: int, more: int, jitter: float
) -> None:
    policy = RetryAfter(RetryAfterConfig(minimum_s=low, maximum_s=low + more, jitter=jitter))
    seconds = policy.seconds(backlog, rate_rps, rng)
    assert isinstance(seconds, int)
    assert low <= seconds <= low + more


@pytest.mark.parametrize("backlog", [0.0, 10.0, 300.0, 1e6])
def test_answers_of_one_second_are_spread(backlog: float) -> None:
    policy = RetryAfter(RetryAfterConfig())
    rng = random.Random(1)
    counts = [policy.seconds(backlog, 10.0, rng) for _ in range(300)]
    assert len(set(counts)) >= 2
    assert max(counts.count(value) for value in set(counts)) <= 200


def test_grows_with_the_backlog() -> None:
    policy = RetryAfter(RetryAfterConfig())
    rng = random.Random(1)
    means = [mean(policy.seconds(b, 10.0, rng) for _ in range(300)) for b in (0, 100, 200, 400)]
    assert means == sorted(means)
    assert means[1] == pytest.approx(10.0 + 2.5 + 0.5, abs=1.0)


def test_nothing_served_asks_for_the_longest() -> None:
    policy = RetryAfter(RetryAfterConfig(maximum_s=10, jitter=0.0))
    assert policy.seconds(5.0, 0.0, random.Random(1)) >= 8
