"""A user gets its rate and its burst, not more, and its neighbours do not pay for it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.quota import QuotaConfig, QuotaExceeded, Quotas


def taken(quotas: Quotas, user: str, now_s: float) -> bool:
    try:
        quotas.take(user, now_s)
    except QuotaExceeded:
        return False
    return True


@given(st.lists(st.floats(0, 2), max_size=200), st.floats(0.5, 20), st.integers(1, 10))
def test_never_more_than_burst_and_rate(gaps: list[float], rate_rps: float, burst: int) -> None:
    quotas = Quotas(QuotaConfig(rate_rps=rate_rps, burst=burst))
    now_s = 0.0
    passed = 0
    for gap_s in gaps:
        now_s += gap_s
        passed += taken(quotas, "ann", now_s)
        assert passed <= burst + rate_rps * now_s + 1e-3


def test_on_its_rate_nobody_is_refused() -> None:
    quotas = Quotas(QuotaConfig(rate_rps=3.0, burst=1))
    assert all(taken(quotas, "ann", 1000.0 + i / 3.0) for i in range(1000))


@given(st.floats(0.5, 20), st.integers(1, 10))
def test_retry_after_is_when_it_conforms(rate_rps: float, burst: int) -> None:
    quotas = Quotas(QuotaConfig(rate_rps=rate_rps, burst=burst))
    for _ in range(burst):
        quotas.take("ann", 5.0)
    with pytest.raises(QuotaExceeded) as refused:
        quotas.take("ann", 5.0)
    assert refused.value.reason == "quota"
    wait_s = refused.value.retry_after_s
    assert 0.0 < wait_s <= 1.0 / rate_rps
    assert not taken(quotas, "ann", 5.0 + wait_s * 0.9)
    assert taken(quotas, "ann", 5.0 + wait_s + 1e-6)


@given(st.lists(st.floats(0.0, 2.0), max_size=100), st.integers(1, 4))
def test_what_would_conform_does(gaps: list[float], burst: int) -> None:
    quotas = Quotas(QuotaConfig(rate_rps=0.7, burst=burst))
    now_s = 0.0
    for gap_s in gaps:
        now_s += gap_s
        said = quotas.conforms("ann", now_s)
        assert said == quotas.conforms("ann", now_s) == taken(quotas, "ann", now_s)


def test_users_do_not_share() -> None:
    quotas = Quotas(QuotaConfig(rate_rps=1.0, burst=1))
    assert taken(quotas, "ann", 0.0)
    assert not taken(quotas, "ann", 0.0)
    assert taken(quotas, "bo", 0.0)


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0.0, 2.0)), max_size=200))
def test_what_is_forgotten_was_full_again(asked: list[tuple[int, float]]) -> None:
    """Forgetting changes no answer: one that remembers everybody answers alike."""
    config = QuotaConfig(rate_rps=0.7, burst=2)
    quotas, everybody = Quotas(config), {user: Quotas(config) for user in range(31)}
    quotas._swept_above = 3
    now_s = 0.0
    for user, gap_s in asked:
        now_s += gap_s
        assert quotas.early_s(str(user), now_s) == everybody[user].early_s("alone", now_s)
        quotas._swept_above = min(quotas._swept_above, max(3, len(quotas)))


def test_memory_is_that_of_the_last_moments() -> None:
    quotas = Quotas(QuotaConfig(rate_rps=2.0, burst=3))
    for n in range(20_000):
        quotas.take(str(n), n / 100)
    assert len(quotas) <= 512  # fifty of them are not full again


@given(st.lists(st.integers(0, 30), max_size=200))
def test_memory_is_bounded_and_the_fullest_go(users: list[int]) -> None:
    quotas = Quotas(QuotaConfig(rate_rps=0.001, burst=1, max_users=5))
    kept: dict[int, float] = {}
    for i, user in enumerate(users):
        assert taken(quotas, str(user), float(i)) == (user not in kept)
        kept.setdefault(user, float(i))
        if len(kept) > 5:
            del kept[min(kept, key=lambda u: kept[u])]
        assert len(quotas) == len(kept)


def test_a_crowd_beyond_the_memory_costs_no_search() -> None:
    def spent_s(users: int) -> float:
        quotas = Quotas(QuotaConfig(rate_rps=1.0, burst=2, max_users=20_000))
        names = [str(n) for n in range(users)]
        begun_s = 0.0
        for turn in range(3):  # the memory fills in the first
            begun_s = time.process_time() if turn == 1 else begun_s
            for n in range(30_000):
                quotas.early_s(names[n % users], 1e3 * turn + n / 30.0)
        assert len(quotas) <= 20_000
        return time.process_time() - begun_s

    known = min(spent_s(15_000) for _ in range(3))
    assert min(spent_s(30_000) for _ in range(3)) < 8 * known
