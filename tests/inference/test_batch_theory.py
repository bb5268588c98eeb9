"""The batch against queueing theory: capacity, Little's law, and what overload may cost."""

import contextlib
from random import Random

import pytest
from tests.inference.batches import (
    TOKENS,
    batch_of,
    poisson,
)

from teashop.inference.settings import InferenceSettings, capacity_rps
from teashop.resilience.sequence import Outcome, QueueFull, Sequence


def test_saturation_reaches_the_capacity_of_theory() -> None:
    settings = InferenceSettings()
    theory_rps = capacity_rps(settings, 1)
    assert capacity_rps(settings, 2) == pytest.approx(64.0)
    batch = batch_of(deadlines=False)
    finished = 0
    for at_s in poisson(Random(5), 2 * theory_rps, 4000):
        batch.advance(at_s)
        finished += sum(s.outcome is Outcome.FINISHED for s in batch.take_ended())
        with contextlib.suppress(QueueFull):
            batch.submit(now_s=at_s, tokens=TOKENS)
    assert finished / at_s == pytest.approx(theory_rps, rel=0.03)


def test_short_answers_raise_the_capacity_as_theory_says() -> None:
    settings = InferenceSettings()
    assert capacity_rps(settings, 2, settings.tokens_short) / capacity_rps(settings, 2) == (
        pytest.approx(0.40 / 0.24)
    )


def test_littles_law_holds_and_no_work_is_lost() -> None:
    batch = batch_of(deadlines=False)
    area = 0.0
    last_s = 0.0
    sequences: list[Sequence] = []

    def step(to_s: float) -> None:
        nonlocal area, last_s
        while (due_s := batch.next_event_s()) is not None and due_s < to_s:
            area += (batch.running + batch.waiting) * (due_s - last_s)
            last_s = due_s
            batch.advance(due_s)
        area += (batch.running + batch.waiting) * (to_s - last_s)
        last_s = to_s

    for at_s in poisson(Random(11), 0.9 * capacity_rps(InferenceSettings(), 1), 3000):
        step(at_s)
        sequences.append(batch.submit(now_s=at_s, tokens=TOKENS))
    step(last_s + 60)
    assert all(s.outcome is Outcome.FINISHED for s in sequences)
    sojourns = [s.ended_s - s.submitted_s for s in sequences if s.ended_s is not None]
    rate_rps = len(sojourns) / last_s
    assert area / last_s == pytest.approx(rate_rps * sum(sojourns) / len(sojourns), rel=1e-3)
    assert batch.slot_seconds == pytest.approx(sum(s.held_s for s in sequences), rel=1e-6)


def test_under_overload_no_slot_time_goes_to_answers_that_are_cut_off() -> None:
    batch = batch_of()
    theory_rps = capacity_rps(InferenceSettings(), 1)
    ended: list[Sequence] = []
    for at_s in poisson(Random(3), 3 * theory_rps, 3000):
        with contextlib.suppress(QueueFull):
            batch.submit(now_s=at_s, tokens=TOKENS, deadline_s=at_s + 3.0)
        ended += batch.take_ended()
    in_time = sum(s.held_s for s in ended if s.outcome is Outcome.FINISHED)
    assert in_time / sum(s.held_s for s in ended) > 0.98
    assert in_time / (16 * at_s) > 0.95
