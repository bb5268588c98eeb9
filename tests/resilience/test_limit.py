"""Adaptive limits: bounded under anything, and settled where the batch is full."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.aimd import AimdConfig, AimdLimit
from teashop.resilience.baseline import Baseline, BaselineConfig
from teashop.resilience.gradient import GradientConfig, GradientLimit
from teashop.resilience.limit import FixedLimit, Limit

SAMPLES = st.lists(
    st.tuples(
        st.floats(0, 5),  # time since the last sample
        st.floats(0, 30),  # rtt
        st.integers(0, 1000),  # in flight
        st.booleans(),  # dropped
    ),
    max_size=300,
)


def adaptive(kind: str) -> Limit:
    if kind == "aimd":
        return AimdLimit(AimdConfig(initial=10, minimum=3, maximum=20))
    return GradientLimit(GradientConfig(initial=10, minimum=3, maximum=20))


@pytest.mark.parametrize("kind", ["aimd", "gradient"])
@given(samples=SAMPLES)
def test_stays_within_its_bounds(kind: str, samples: list[tuple[float, float, int, bool]]) -> None:
    limit = adaptive(kind)
    now_s = 0.0
    for passed_s, rtt_s, in_flight, dropped in samples:
        now_s += passed_s
        limit.on_sample(now_s=now_s, rtt_s=rtt_s, in_flight=in_flight, dropped=dropped)
        assert 3 <= limit.limit <= 20


def feed(limit: Limit, *, start_s: float, seconds: float, rtt_s: float, load: float = 1.0) -> float:
    """Answers of `rtt_s` while `load` of the limit is in flight; returns the time at the end."""
    now_s = start_s
    while now_s < start_s + seconds:
        now_s += rtt_s / max(1, limit.limit)
        in_flight = int(limit.limit * load)
        limit.on_sample(now_s=now_s, rtt_s=rtt_s, in_flight=in_flight, dropped=False)
    return now_s


def test_aimd_grows_by_one_a_round_trip_while_used() -> None:
    limit = AimdLimit(AimdConfig(initial=10))
    feed(limit, start_s=0.0, seconds=5.0, rtt_s=0.5)
    assert 18 <= limit.limit <= 20


def test_aimd_does_not_grow_unused() -> None:
    limit = AimdLimit(AimdConfig(initial=10))
    feed(limit, start_s=0.0, seconds=20.0, rtt_s=0.5, load=0.4)
    assert limit.limit == 10


def test_aimd_falls_once_a_round_trip_on_losses() -> None:
    limit = AimdLimit(AimdConfig(initial=100))
    for i in range(50):
        limit.on_sample(now_s=10.0 + i / 100, rtt_s=0.5, in_flight=100, dropped=True)
    assert limit.limit == 90
    limit.on_sample(now_s=10.6, rtt_s=0.5, in_flight=100, dropped=True)
    assert limit.limit == 81


def test_a_fast_refusal_by_the_dependency_is_no_baseline() -> None:
    limit = AimdLimit(AimdConfig())
    feed(limit, start_s=0.0, seconds=2.0, rtt_s=0.4)
    limit.on_sample(now_s=3.0, rtt_s=0.001, in_flight=20, dropped=True)
    assert limit.baseline_s == pytest.approx(0.4)


def test_milliseconds_have_slack() -> None:
    limit = AimdLimit(AimdConfig(initial=20))
    feed(limit, start_s=0.0, seconds=0.1, rtt_s=0.002)
    before = limit.limit
    feed(limit, start_s=0.2, seconds=2.0, rtt_s=0.03)
    assert limit.limit >= before


@given(st.lists(st.floats(0.4, 0.8), min_size=20, max_size=200))
def test_a_minute_of_load_cannot_capture_the_baseline(rtts_s: list[float]) -> None:
    baseline = Baseline(BaselineConfig(drift_per_minute=0.1))
    baseline.on_sample(0.0, 0.4)
    for i, rtt_s in enumerate(rtts_s):
        baseline.on_sample(60.0 * (i + 1) / len(rtts_s), rtt_s)
    assert 0.4 <= baseline.value_s <= 0.4 * 1.11


def test_a_quicker_answer_moves_the_baseline_at_once() -> None:
    baseline = Baseline(BaselineConfig())
    baseline.on_sample(0.0, 0.4)
    baseline.relearn(1.0, 2.0)
    baseline.on_sample(2.0, 0.3)
    assert baseline.value_s == 0.3


def test_a_stale_baseline_is_probed_briefly() -> None:
    limit = AimdLimit(AimdConfig(initial=40, baseline=BaselineConfig(probe_every_s=30.0)))
    feed(limit, start_s=0.0, seconds=1.0, rtt_s=0.4)
    probed_s = 0.0
    highest = 0
    now_s = 1.0
    for _ in range(4000):
        now_s += 0.01
        limit.on_sample(now_s=now_s, rtt_s=0.5, in_flight=limit.limit, dropped=False)
        highest = max(highest, limit.limit)
        probed_s += 0.01 * (limit.limit <= 0.7 * highest)
    assert 0.5 <= probed_s <= 1.5


@pytest.mark.parametrize("kind", ["aimd", "gradient"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_times_the_load_keeps_the_batch_full_and_answers_quick(
    ai_server: Any, kind: str, seed: int
) -> None:
    limit = AimdLimit(AimdConfig()) if kind == "aimd" else GradientLimit(GradientConfig())
    server = ai_server(seed=seed)
    run = server.run(limit, rate_rps=lambda _t: 3 * server.capacity_rps, seconds=70.0)
    assert run.utilisation >= 0.95
    assert run.rtt_s(0.5) <= 0.70
    assert run.rtt_s(0.99) <= (0.75 if kind == "aimd" else 1.0)


@pytest.mark.parametrize("kind", ["aimd", "gradient"])
def test_ten_minutes_of_overload_do_not_let_it_climb(ai_server: Any, kind: str) -> None:
    limit = AimdLimit(AimdConfig()) if kind == "aimd" else GradientLimit(GradientConfig())
    server = ai_server()
    run = server.run(limit, rate_rps=lambda _t: 3 * server.capacity_rps, seconds=600.0)
    assert run.utilisation >= 0.95
    assert max(run.limits) <= 60
    assert run.rtt_s(0.99) <= 1.0


@pytest.mark.parametrize("kind", ["aimd", "gradient"])
def test_below_capacity_hardly_anything_is_refused(ai_server: Any, kind: str) -> None:
    limit = AimdLimit(AimdConfig()) if kind == "aimd" else GradientLimit(GradientConfig())
    server = ai_server()
    run = server.run(limit, rate_rps=lambda _t: 0.8 * server.capacity_rps, seconds=120.0)
    assert run.refused <= 0.01 * (len(run.rtts_s) + run.refused)


def test_one_lost_replica_leaves_the_other_full(ai_server: Any) -> None:
    server = ai_server(replicas=1)
    run = server.run(
        AimdLimit(AimdConfig()), rate_rps=lambda _t: 96.0, seconds=60.0, warm_up_s=20.0
    )
    assert run.utilisation >= 0.95
    assert run.rtt_s(0.99) <= 0.8


def test_a_server_that_became_slower_is_not_shed_to_death(ai_server: Any) -> None:
    server = ai_server(slower=lambda t: 1.75 if t > 30.0 else 1.0)
    run = server.run(
        AimdLimit(AimdConfig()),
        rate_rps=lambda _t: 3 * server.capacity_rps,
        seconds=120.0,
        warm_up_s=60.0,
    )
    assert run.served_rps >= 0.8 * server.capacity_rps / 1.75


def test_a_limit_far_too_high_comes_down_without_learning_the_queue(ai_server: Any) -> None:
    limit = AimdLimit(AimdConfig(initial=200))
    server = ai_server()
    server.run(limit, rate_rps=lambda _t: 3 * server.capacity_rps, seconds=60.0)
    assert limit.limit <= 45
    assert limit.baseline_s <= 0.5


def test_a_fixed_limit_is_fixed() -> None:
    limit = FixedLimit(7)
    limit.on_sample(now_s=0.0, rtt_s=9.0, in_flight=7, dropped=True)
    assert limit.limit == 7
    with pytest.raises(ValueError, match="at least 1"):
        FixedLimit(0)
