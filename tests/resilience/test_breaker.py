"""The three states and the ways between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.breaker import Breaker, BreakerConfig, State

CONFIG = BreakerConfig(min_calls=4, failure_share=0.5, window_s=10.0, open_s=2.0, probes=2)


def opened() -> Breaker:
    breaker = Breaker(CONFIG)
    for _ in range(4):
        breaker.record(0.0, ok=False)
    assert breaker.state is State.OPEN
    return breaker


def test_opens_at_the_share_and_not_before_enough_calls() -> None:
    breaker = Breaker(CONFIG)
    for ok in (False, False, True):
        breaker.record(0.0, ok=ok)
        assert breaker.state is State.CLOSED
    breaker.record(0.0, ok=True)
    assert breaker.state is State.OPEN
    assert not breaker.allow(1.9)
    assert breaker.retry_after_s(0.5) == pytest.approx(1.5)


def test_old_failures_do_not_count() -> None:
    breaker = Breaker(CONFIG)
    for _ in range(3):
        breaker.record(0.0, ok=False)
    for _ in range(4):
        breaker.record(11.0, ok=True)
    breaker.record(11.0, ok=False)
    assert breaker.state is State.CLOSED


def test_probes_close_it() -> None:
    breaker = opened()
    states = [breaker.state]
    assert breaker.allow(2.0)
    assert breaker.allow(2.0)
    assert not breaker.allow(2.0)
    for _ in range(2):
        states.append(breaker.state)
        breaker.record(2.1, ok=True)
    states.append(breaker.state)
    assert states == [State.OPEN, State.HALF_OPEN, State.HALF_OPEN, State.CLOSED]
    assert breaker.retry_after_s(2.1) == 0.0


def test_one_failed_probe_opens_it_again() -> None:
    breaker = opened()
    assert breaker.allow(2.0)
    breaker.record(2.5, ok=False)
    assert breaker.state is State.OPEN
    assert not breaker.allow(4.4)
    assert breaker.allow(4.5)


def test_a_lost_probe_does_not_keep_it_half_open() -> None:
    breaker = opened()
    assert breaker.allow(2.0)
    assert breaker.allow(2.0)
    assert not breaker.allow(3.9)
    assert breaker.allow(4.0)


def test_late_answers_change_nothing_while_open() -> None:
    breaker = opened()
    for _ in range(10):
        breaker.record(1.0, ok=True)
    assert breaker.state is State.OPEN


@given(st.lists(st.tuples(st.floats(0, 1.5), st.sampled_from(["ask", "ok", "fail"]))))
def test_only_the_drawn_transitions_happen(steps: list[tuple[float, str]]) -> None:
    ways = {
        (State.CLOSED, State.OPEN),
        (State.OPEN, State.HALF_OPEN),
        (State.HALF_OPEN, State.OPEN),
        (State.HALF_OPEN, State.CLOSED),
    }
    breaker = Breaker(CONFIG)
    now_s = 0.0
    for passed_s, what in steps:
        now_s += passed_s
        before = breaker.state
        if what == "ask":
            allowed = breaker.allow(now_s)
            assert allowed or before is not State.CLOSED
        else:
            breaker.record(now_s, ok=what == "ok")
        assert breaker.state is before or (before, breaker.state) in ways
