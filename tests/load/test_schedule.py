"""Every arrival is drawn beforehand: by seed, at the planned rates, with the promised mix."""

import dataclasses
import json
from collections import Counter

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import EXAMPLES

from teastorm.load.curve import DemandCurve
from teastorm.load.draw import draw
from teastorm.load.errors import PlanInvalid
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.schedule import Arrival
from teastorm.load.settings import Clients, Mix


def chats(arrivals: tuple[Arrival, ...], phase: str | None = None) -> list[Arrival]:
    return [a for a in arrivals if a.klass == "chat" and phase in {None, a.phase}]


def test_the_same_seed_draws_the_same_bytes_and_another_seed_others(plan: LoadPlan) -> None:
    first = draw(plan, 7)
    assert first == draw(plan, 7)
    assert first.digest() == draw(plan, 7).digest()
    assert first.digest() != draw(plan, 8).digest()


def test_a_plan_survives_json_with_the_same_draws(plan: LoadPlan) -> None:
    again = LoadPlan.from_json(json.loads(json.dumps(plan.to_json())))
    assert again == plan
    assert draw(again, 3).digest() == draw(plan, 3).digest()


def test_a_plan_with_a_curve_survives_json() -> None:
    curve = DemandCurve(name="c", minutes=(0, 1, 2), rates=(0.5, 1, 0))
    plan = LoadPlan(capacity_rps=9, phases=(Phase(name="day", seconds=3, factor=2, curve=curve),))
    assert LoadPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize("raw", [None, [], {}, {"capacity_rps": "x"}, {"phases": 3}])
def test_a_broken_plan_file_is_refused_in_one_sentence(raw: object) -> None:
    with pytest.raises(PlanInvalid) as refusal:
        LoadPlan.from_json(raw)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("seed", range(5))
def test_rates_are_poisson_around_the_plan(plan: LoadPlan, seed: int) -> None:
    arrivals = draw(plan, seed).arrivals
    for phase in plan.phases:
        mean = phase.factor * plan.capacity_rps * phase.seconds
        seen = len(chats(arrivals, phase.name))
        assert abs(seen - mean) < 4.5 * np.sqrt(mean)
    gaps = np.diff([a.intended_s for a in chats(arrivals, "fault")])
    # Exponential gaps: the standard deviation equals the mean.
    assert 0.9 < gaps.std() / gaps.mean() < 1.1


def test_menus_follow_chat_and_the_critical_rate_follows_nothing(plan: LoadPlan) -> None:
    arrivals = draw(plan, 1).arrivals
    counts = Counter(a.klass for a in arrivals)
    assert abs(counts["menu"] / counts["chat"] - 1 / 3) < 0.04
    doubled = dataclasses.replace(
        plan, phases=tuple(dataclasses.replace(p, factor=2 * p.factor) for p in plan.phases)
    )
    more = draw(doubled, 1).arrivals
    assert abs(len(chats(more)) / counts["chat"] - 2) < 0.1

    def critical(of: tuple[Arrival, ...]) -> list[tuple[float, str, bytes]]:
        return [(a.intended_s, a.key, a.payload) for a in of if a.klass == "checkout"]

    # The same carts at the same moments, though their users are dealt from another pool.
    assert [row[:2] for row in critical(arrivals)] == [row[:2] for row in critical(more)]
    assert abs(counts["checkout"] - 6 * 40) < 4.5 * np.sqrt(240)


def test_every_stretch_of_chat_is_hard_for_rules(plan: LoadPlan) -> None:
    said = chats(draw(plan, 2).arrivals)
    hard = [not a.resolvable for a in said]
    assert np.mean(hard) >= 0.6
    for start in range(0, len(hard) - 100, 100):
        assert np.mean(hard[start : start + 100]) >= 0.6
    assert all(a.truth is not None and orjson.loads(a.payload)["utterance"] for a in said)


def test_some_chat_lowers_itself_and_says_so(plan: LoadPlan) -> None:
    said = chats(draw(plan, 2).arrivals)
    lowered = [a for a in said if a.asked]
    assert 0.12 < len(lowered) / len(said) < 0.18
    assert {a.criticality for a in lowered} == {"sheddable"}
    assert {a.criticality for a in said if not a.asked} == {"sheddable_plus"}


def test_users_come_often_enough_in_the_fault_window_to_judge_fairness(plan: LoadPlan) -> None:
    arrivals = draw(plan, 4).arrivals
    for level in ("sheddable_plus", "sheddable"):
        often = Counter(a.user for a in chats(arrivals, "fault") if a.criticality == level)
        assert np.mean([n >= 5 for n in often.values()]) > 0.9


def test_the_stated_share_of_users_honours_retry_after_and_each_user_always(
    plan: LoadPlan,
) -> None:
    arrivals = draw(plan, 4).arrivals
    habits: dict[str, set[bool]] = {}
    for a in arrivals:
        habits.setdefault(a.user, set()).add(a.honours)
    assert all(len(habit) == 1 for habit in habits.values())
    assert abs(np.mean([True in habit for habit in habits.values()]) - 0.6) < 0.05


def test_follow_ups_point_at_their_checkout_and_come_after_it(plan: LoadPlan) -> None:
    schedule = draw(plan, 5)
    children: Counter[tuple[int, str]] = Counter()
    for a in schedule.arrivals:
        if a.klass in {"payment", "status"}:
            parent = schedule.arrivals[a.parent]
            assert parent.klass == "checkout"
            assert (a.user, a.honours) == (parent.user, parent.honours)
            assert a.intended_s >= parent.intended_s + 1.0
            assert a.criticality == "critical_plus"
            children[a.parent, a.klass] += 1
        else:
            assert a.parent == -1
    checkouts = schedule.counts()["checkout"]
    assert sum(kind == "payment" for _, kind in children) == checkouts
    assert {n for (_, kind), n in children.items() if kind == "status"} == {1, 2}


def test_arrivals_are_in_order_with_keys_of_their_own(plan: LoadPlan) -> None:
    arrivals = draw(plan, 6).arrivals
    times = [a.intended_s for a in arrivals]
    assert times == sorted(times)
    assert len({a.key for a in arrivals}) == len(arrivals)


def test_an_even_phase_has_one_arrival_in_each_slot() -> None:
    plan = LoadPlan(capacity_rps=50, phases=(Phase(name="step", seconds=4, factor=1, even=True),))
    times = [a.intended_s for a in chats(draw(plan, 1).arrivals)]
    assert [int(t * 50) for t in times] == list(range(200))


def test_a_curve_phase_follows_its_curve() -> None:
    curve = DemandCurve(name="c", minutes=(0, 10, 20), rates=(0, 1, 0))
    plan = LoadPlan(
        capacity_rps=100, phases=(Phase(name="day", seconds=60, factor=3, curve=curve),)
    )
    times = np.array([a.intended_s for a in chats(draw(plan, 1).arrivals)])
    total = 60 * 300 / 2
    assert abs(len(times) - total) < 4.5 * np.sqrt(total)
    middle = np.count_nonzero((times > 25) & (times < 35)) / 10
    edge = np.count_nonzero(times < 5) / 5
    assert middle > 250
    assert edge < 60


@settings(max_examples=max(25, EXAMPLES // 2), deadline=None)
@given(
    seed=st.integers(0, 2**31),
    factor=st.floats(0, 3),
    seconds=st.floats(0.1, 4),
    critical=st.floats(0, 20),
)
def test_any_small_plan_draws_within_its_time(
    seed: int, factor: float, seconds: float, critical: float
) -> None:
    plan = LoadPlan(
        capacity_rps=40,
        phases=(Phase(name="only", seconds=seconds, factor=factor, fault=True),),
        mix=Mix(critical_rps=critical),
    )
    schedule = draw(plan, seed)
    roots = [a for a in schedule.arrivals if a.parent < 0]
    assert all(0 <= a.intended_s <= seconds for a in roots)
    assert all(a.user and a.key for a in schedule.arrivals)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Phase(name="x", seconds=0, factor=1), "seconds must be above 0, got 0"),
        (lambda: Phase(name="x", seconds=1, factor=-3), "factor must be 0 or above, got -3"),
        (lambda: Phase(name="", seconds=1, factor=1), "needs a name"),
        (lambda: LoadPlan(capacity_rps=0, phases=()), "capacity_rps must be above 0"),
        (lambda: LoadPlan(capacity_rps=1, phases=()), "at least one phase"),
        (lambda: Mix(critical_rps=-1), "mix.critical_rps must be between"),
        (lambda: Mix(unresolvable_share=0.2), "mix.unresolvable_share must be between 0.6"),
        (lambda: Mix(shops=()), "at least one shop"),
        (lambda: Clients(honour_share=2), "clients.honour_share must be between"),
        (lambda: Clients(deadlines_s={"chat": 2}), "must name exactly"),
    ],
)
def test_impossible_plans_are_refused_in_one_sentence(make: object, sentence: str) -> None:
    with pytest.raises(PlanInvalid, match=sentence):
        make()  # type: ignore[operator]


def test_a_torn_fault_window_or_two_phases_of_one_name_are_refused() -> None:
    a, b, c = (Phase(name=n, seconds=1, factor=1, fault=n != "b") for n in "abc")
    with pytest.raises(PlanInvalid, match="follow one another"):
        LoadPlan(capacity_rps=1, phases=(a, b, c))
    with pytest.raises(PlanInvalid, match="names must differ"):
        LoadPlan(capacity_rps=1, phases=(a, a))
    assert LoadPlan(capacity_rps=1, phases=(b, a, c)).fault_window() == (1, 3)
