"""The search for K: brackets theory first, ends within its tolerance, voids what cannot be true."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teastorm.load.capacity import CapacityConfig, StepResult, find_capacity
from teastorm.load.draw import draw
from teastorm.load.errors import CapacityVoid, PlanInvalid
from teastorm.load.measure import step_plan, step_result
from teastorm.load.records import to_table
from teastorm.load.settings import Clients, Mix

THEORY = CapacityConfig(theory_rps=64.0)


def shop(true_rps: float, tried: list[float] | None = None):
    def measure(rps: float) -> StepResult:
        if tried is not None:
            tried.append(rps)
        growth = max(0.0, rps / true_rps - 1)
        return StepResult(good_share=1.0, samples=350, growth=0.0 if growth == 0 else growth + 0.05)

    return measure


@given(true_rps=st.floats(57.0, 70.0))
@settings(deadline=None)
def test_k_is_found_within_its_tolerance(true_rps: float):
    tried: list[float] = []
    found = find_capacity(shop(true_rps, tried), THEORY)
    assert found.rps <= true_rps <= found.rps * 1.051
    assert len(tried) <= THEORY.max_steps
    assert all(step.samples >= 300 for step in found.steps)


def test_two_steps_are_enough_when_theory_holds():
    tried: list[float] = []
    find_capacity(shop(64.0, tried), THEORY)
    assert len(tried) == 2


@pytest.mark.parametrize("true_rps", [20.0, 45.0, 90.0, 1000.0])
def test_far_from_theory_is_void(true_rps: float):
    with pytest.raises(CapacityVoid, match="theory says 64"):
        find_capacity(shop(true_rps), THEORY)


def test_a_step_without_enough_samples_is_void():
    with pytest.raises(CapacityVoid, match="requests"):
        find_capacity(lambda _: StepResult(good_share=1.0, samples=100), THEORY)


def test_bad_answers_are_no_capacity_though_latency_stands():
    def measure(rps: float) -> StepResult:
        return StepResult(good_share=0.9 if rps > 60 else 0.99, samples=400)

    assert find_capacity(measure, THEORY).rps <= 60


@pytest.mark.parametrize(
    "bad",
    [{"theory_rps": 0}, {"theory_rps": 64, "good_share": 0}, {"theory_rps": 64, "max_steps": 1}],
)
def test_a_search_that_cannot_work_is_refused(bad: dict):
    with pytest.raises(PlanInvalid):
        CapacityConfig(**bad)


def test_a_step_has_the_samples_it_needs_and_no_retries():
    plan = step_plan(64.0, THEORY, Mix(critical_rps=6), Clients())
    assert plan.clients.retries == 0
    chats = sum(1 for a in draw(plan, 3).arrivals if a.klass == "chat")
    assert chats >= 300


def row(second: float, took: float, *, right: bool = True, klass: str = "chat") -> tuple:
    return (
        *("r", klass, "sheddable_plus", "u", "k", "step"),
        *(second, 1, second, second + took, 200, "", "full", "", "", ""),
        *(float("nan"), "g1", 0.4, right, "", "", 0.0, True, 0.0, False),
    )


def test_latency_that_grows_is_seen_while_every_answer_is_still_in_time():
    seconds = np.arange(0, 5, 0.015)
    flat = step_result(to_table([row(s, 0.5) for s in seconds]), 2.0)
    growing = step_result(to_table([row(s, 0.5 + 0.2 * s) for s in seconds]), 2.0)
    assert flat.good_share == growing.good_share == 1.0
    assert abs(flat.growth) < 0.001
    assert growing.growth == pytest.approx(0.2, abs=0.01)


def test_late_and_wrong_answers_and_other_classes_are_not_good_chats():
    table = to_table(
        [row(0.1, 0.5), row(0.2, 2.5), row(0.3, 0.5, right=False), row(0.4, 0.1, klass="menu")]
    )
    got = step_result(table, 2.0)
    assert (got.samples, got.good_share) == (3, pytest.approx(1 / 3))
