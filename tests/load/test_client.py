"""One wish's client: impatient, or honouring what it is told; always bounded."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teastorm.load.client import Answer, Wish
from teastorm.load.settings import Clients

CLIENTS = Clients()
REFUSED = Answer(503, retry_after_s=2.0)


def wish(klass: str = "chat", *, honours: bool = False, jitter: float = 0.5) -> Wish:
    return Wish(CLIENTS, klass, 100.0, honours=honours, jitter=jitter)


@pytest.mark.parametrize("status", [200, 201, 202, 400, 404, 409, 422])
def test_an_answer_that_is_final_ends_the_wish(status: int):
    assert wish().after(Answer(status), 100.5) is None


@pytest.mark.parametrize("status", [0, 429, 500, 502, 503, 504])
def test_a_failure_is_tried_again_soon_by_the_impatient(status: int):
    step = wish().after(Answer(status, retry_after_s=5.0), 100.5)
    assert step is not None
    assert not step.honoured
    assert 0 < step.wait_s <= CLIENTS.backoff_cap_s


def test_who_honours_waits_as_long_as_asked():
    step = wish(honours=True).after(REFUSED, 100.1)
    assert step is not None
    assert (step.wait_s, step.honoured) == (2.0, True)


def test_who_honours_gives_up_when_asked_to_wait_beyond_patience():
    asked = Answer(503, retry_after_s=CLIENTS.patience_s + 1)
    assert wish(honours=True).after(asked, 100.1) is None


def test_a_ticket_is_taken_along_and_gives_a_whole_deadline_again():
    holder = wish(honours=True)
    step = holder.after(Answer(202, ticket="t", eta_s=3.0, retry_after_s=2.0), 100.2)
    assert step is not None
    assert (step.ticket, step.wait_s, step.honoured) == ("t", 3.0, True)
    assert holder.budget_ms(103.2) == round(CLIENTS.deadlines_s["chat"] * 1000)


def test_the_impatient_do_not_take_tickets():
    assert wish().after(Answer(202, ticket="t", eta_s=1.0), 100.2) is None


def test_the_budget_counts_from_the_intended_time_whenever_it_is_sent():
    late = wish()
    assert late.budget_ms(100.0) == 2000
    assert late.budget_ms(101.5) == 500
    assert late.budget_ms(107.0) == 1


@given(
    honours=st.booleans(),
    jitter=st.floats(0, 1),
    answers=st.lists(
        st.tuples(
            st.sampled_from([0, 200, 202, 429, 500, 503]),
            st.one_of(st.just(math.nan), st.floats(0, 30)),
            st.floats(0, 3),
        ),
        max_size=12,
    ),
)
@settings(deadline=None)
def test_attempts_and_patience_are_bounded_whatever_a_server_says(honours, jitter, answers):
    one = Wish(CLIENTS, "chat", 0.0, honours=honours, jitter=jitter)
    now = 0.0
    for status, retry_after_s, took_s in answers:
        now += took_s
        step = one.after(Answer(status, retry_after_s, ticket="t" if status == 202 else ""), now)
        if step is None:
            break
        assert step.wait_s >= 0
        now += step.wait_s
        assert now <= CLIENTS.patience_s
    assert one.attempts <= 1 + CLIENTS.retries
