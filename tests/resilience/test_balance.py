"""The less loaded of two, never everybody ejected, and a failing replica is left alone."""

import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.balance import NoEndpoint, RoundRobin
from teashop.resilience.two_choices import Balancer, BalancerConfig

NAMES = ("a", "b", "c", "d")


def failed(balancer: Balancer, endpoint: str, now_s: float, times: int = 5) -> None:
    for _ in range(times):
        balancer.started(endpoint, now_s)
        balancer.finished(endpoint, now_s, 0.01, ok=False)


@given(st.integers(0, 20), st.integers(0, 20), st.randoms())
def test_of_two_the_less_loaded(one: int, other: int, rng: random.Random) -> None:
    balancer = Balancer()
    for endpoint, outstanding in (("a", one), ("b", other)):
        for _ in range(outstanding):
            balancer.started(endpoint, 0.0)
    chosen = balancer.choose(("a", "b"), rng, 0.0)
    assert balancer.load(chosen, 0.0) == min(balancer.load(name, 0.0) for name in "ab")


def test_of_many_the_most_loaded_is_never_chosen_and_all_others_are() -> None:
    balancer = Balancer()
    for i, name in enumerate(NAMES):
        for _ in range(i):
            balancer.started(name, 0.0)
    rng = random.Random(1)
    chosen = Counter(balancer.choose(NAMES, rng, 0.0) for _ in range(1000))
    assert set(chosen) == {"a", "b", "c"}
    assert chosen["a"] > chosen["b"] > chosen["c"]


def test_a_slow_replica_gets_less_and_is_tried_again() -> None:
    balancer = Balancer(BalancerConfig(decay_s=5.0, initial_s=0.1))
    balancer.started("a", 0.0)
    balancer.finished("a", 0.0, 3.0, ok=True)
    assert balancer.load("a", 0.0) == pytest.approx(3.0)
    assert balancer.choose(("a", "b"), random.Random(1), 0.0) == "b"
    assert balancer.load("a", 60.0) == pytest.approx(0.1, rel=0.01)


def test_a_hung_replica_does_not_look_better_with_time() -> None:
    balancer = Balancer()
    balancer.started("a", 0.0)
    balancer.finished("a", 0.0, 3.0, ok=True)
    balancer.started("a", 0.0)
    assert balancer.load("a", 100.0) == pytest.approx(6.0)


def test_failing_fast_attracts_nobody() -> None:
    balancer = Balancer(BalancerConfig(eject_after=100))
    failed(balancer, "a", 0.0, times=3)
    assert balancer.choose(("a", "b"), random.Random(1), 0.0) == "b"


def test_ejection_lasts_and_grows() -> None:
    balancer = Balancer(BalancerConfig(eject_s=2.0))
    rng = random.Random(1)
    balancer.choose(("a", "b"), rng, 0.0)
    failed(balancer, "a", 0.0)
    assert balancer.ejected("a", 1.9)
    assert {balancer.choose(("a", "b"), rng, 1.9) for _ in range(50)} == {"b"}
    assert not balancer.ejected("a", 2.0)
    failed(balancer, "a", 2.0)
    assert balancer.ejected("a", 5.9)
    assert not balancer.ejected("a", 6.0)


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.booleans(), st.floats(0, 0.5)), max_size=200),
    st.integers(1, 4),
    st.randoms(),
)
def test_never_all_are_ejected(
    calls: list[tuple[str, bool, float]], count: int, rng: random.Random
) -> None:
    endpoints = NAMES[:count]
    balancer = Balancer()
    now_s = 0.0
    for name, ok, passed_s in calls:
        now_s += passed_s
        assert balancer.choose(endpoints, rng, now_s) in endpoints
        if name in endpoints:
            failed(balancer, name, now_s) if not ok else None
            balancer.started(name, now_s)
            balancer.finished(name, now_s, 0.1, ok)
        assert sum(balancer.ejected(e, now_s) for e in endpoints) <= count // 2


@pytest.mark.parametrize("balancer", [Balancer(), RoundRobin()], ids=["p2c", "round_robin"])
def test_exclusion_holds_while_there_is_another(balancer: Balancer | RoundRobin) -> None:
    rng = random.Random(1)
    assert {balancer.choose(NAMES, rng, 0.0, {"a", "c"}) for _ in range(100)} == {"b", "d"}
    assert balancer.choose(("a",), rng, 0.0, {"a"}) == "a"
    with pytest.raises(NoEndpoint):
        balancer.choose((), rng, 0.0)


def test_round_robin_takes_turns() -> None:
    turns = RoundRobin()
    rng = random.Random(1)
    assert [turns.choose(("a", "b"), rng, 0.0) for _ in range(4)] == ["a", "b", "a", "b"]
    turns.started("a", 0.0)
    turns.finished("a", 0.0, 1.0, ok=False)


def test_what_is_gone_is_forgotten() -> None:
    balancer = Balancer()
    for i in range(100):
        name = f"pod-{i}"
        balancer.choose((name,), random.Random(1), 0.0)
        balancer.started(name, 0.0)
        balancer.finished(name, 0.0, 9.0, ok=True)
    assert sum(balancer.load(f"pod-{i}", 0.0) > 1.0 for i in range(100)) <= 11
    balancer.finished("never-seen", 0.0, 1.0, ok=True)


def queue_lengths(choose: str, endpoints: Sequence[str], seed: int) -> int:
    """Balls into bins: the longest queue after 30 calls a replica, none of them answered."""
    rng = random.Random(seed)
    balancer = Balancer()
    counts: Counter[str] = Counter()
    for _ in range(30 * len(endpoints)):
        name = balancer.choose(endpoints, rng, 0.0) if choose == "two" else rng.choice(endpoints)
        balancer.started(name, 0.0)
        counts[name] += 1
    return max(counts.values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_choices_beat_one(seed: int) -> None:
    endpoints = [f"pod-{i}" for i in range(40)]
    assert queue_lengths("two", endpoints, seed) <= 33
    assert queue_lengths("one", endpoints, seed) >= 38
