"""A bunch of arrivals is no relapse; whoever is slow without one is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teastorm.verdict.crowding import at_once, comparable, is_calm
from teastorm.verdict.folder import read_run
from teastorm.verdict.recovery import recovery

END = 37.0
BUNCH_S = (50.0, 50.3)
WAITS_AFTER_S = 0.05
LATER_S = 2.5

times = st.lists(st.integers(0, 400).map(lambda n: n / 8), max_size=60)
spans = st.sampled_from([0.25, 0.5, 1.0, 3.0])


def arrivals(drawn: list[float]) -> np.ndarray:
    return np.array(sorted(drawn), dtype=np.float64)


@given(times, spans)
def test_who_comes_at_once_is_counted(drawn, span_s):
    at = arrivals(drawn)
    counted = [sum(t - span_s < other <= t for other in drawn) for t in at]
    assert at_once(at, span_s).tolist() == counted


@given(times, spans, st.randoms(use_true_random=False))
def test_the_same_arrivals_can_be_compared_in_whatever_order(drawn, span_s, rng):
    mixed = list(drawn)
    rng.shuffle(mixed)
    assert comparable(np.array(mixed, dtype=np.float64), arrivals(drawn), span_s).all()


@given(times, times, times, spans)
def test_a_busier_time_before_makes_more_comparable(after, before, more, span_s):
    few = comparable(arrivals(after), arrivals(before), span_s)
    many = comparable(arrivals(after), arrivals(before + more), span_s)
    assert (many >= few).all()


@given(times, times, spans, st.sampled_from([0.25, 0.5, 0.75, 1.0]))
def test_as_many_of_before_are_quiet_as_was_asked_for(before, after, span_s, share):
    at = arrivals(before)
    quiet = comparable(at, at, span_s, share)
    assert quiet.sum() >= share * len(at)
    assert (
        comparable(arrivals(after), at, span_s) >= comparable(arrivals(after), at, span_s, share)
    ).all()


def test_nobody_can_be_compared_with_nothing():
    assert not comparable(np.array([1.0, 2.0]), np.array([]), 1.0).any()


def test_a_bunch_is_over_when_who_came_is_gone():
    grid_s = np.array([1.0, 2.0, 3.0, 4.5])
    assert is_calm(grid_s, np.array([1.4, 1.5]), 1.5).tolist() == [True, False, True, True]


def bunched(world, *, times: int, at_s: float = BUNCH_S[0]) -> None:
    """Whoever comes within .3 s comes `times` as often, and all but the first wait."""
    extra = []
    for row in world.requests:
        if row["class"] == "chat" and at_s <= row["intended_s"] < at_s + BUNCH_S[1] - BUNCH_S[0]:
            row["ended_s"] += LATER_S if row["intended_s"] > at_s + WAITS_AFTER_S else 0.0
            for n in range(1, times):
                name = f"{row['request_id']}-{n}"
                extra.append(row | {"request_id": name, "key": name})
    world.requests += extra


def settings_for_slow_answers(world) -> None:
    """The deadline is far away, so that only the latency tells."""
    world.run["deadlines_s"] = {**world.run["deadlines_s"], "chat": 9.0}


@pytest.mark.parametrize(("times", "tau_s"), [(1, 14.0), (3, 0.0)])
def test_a_bunch_explains_a_slow_moment_and_nothing_else_does(times, tau_s, protected, tmp_path):
    settings_for_slow_answers(protected)
    bunched(protected, times=times)
    found = recovery(read_run(protected.write(tmp_path / "run")), END)
    assert found is not None
    assert found.tau_s == tau_s, found.worst


def test_a_bunch_does_not_excuse_who_is_slow_after_it(protected, tmp_path):
    settings_for_slow_answers(protected)
    bunched(protected, times=3)
    for row in protected.requests:
        if row["class"] == "chat" and BUNCH_S[1] + 2.0 <= row["intended_s"]:
            row["ended_s"] += LATER_S
    found = recovery(read_run(protected.write(tmp_path / "run")), END)
    assert found is not None
    assert found.tau_s is None


@pytest.mark.parametrize(("until_s", "recovers"), [(52.0, True), (56.0, False)])
def test_a_queue_may_stand_while_a_bunch_is_there(until_s, recovers, protected, tmp_path):
    bunched(protected, times=3)
    protected.metrics = [
        (*row[:5], 30.0) if BUNCH_S[1] <= row[0] < until_s and "waiting" in row[3] else row
        for row in protected.metrics
    ]
    settings_for_slow_answers(protected)
    found = recovery(read_run(protected.write(tmp_path / "run")), END)
    assert found is not None
    assert (found.tau_s == 0.0) is recovers, found.worst


@pytest.mark.parametrize(("longer_s", "tau_s"), [(0.0, 0.0), (0.5, None)])
def test_a_bunch_before_the_fault_does_not_hide_that_each_answer_takes_longer(
    longer_s, tau_s, protected, tmp_path
):
    settings_for_slow_answers(protected)
    bunched(protected, times=3, at_s=10.0)
    for row in protected.requests:
        if row["class"] == "chat" and row["intended_s"] >= END:
            row["ended_s"] += longer_s
    found = recovery(read_run(protected.write(tmp_path / "run")), END)
    assert found is not None
    assert found.tau_s == tau_s, found.worst
