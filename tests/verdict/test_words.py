"""The words of the definitions, by example and by property."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.verdict.attempt_rows import NAN, REFUSED, attempts, judged

from teastorm.verdict.requests import Outcome, requests_of, rung_weights
from teastorm.verdict.window import Window
from teastorm.verdict.words import amplification, goodput_rps, offered_rps


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ({}, Outcome.GOOD),
        ({"ended_s": 4.0}, Outcome.GOOD),
        ({"ended_s": 4.1}, Outcome.FAILED),
        ({"ended_s": NAN}, Outcome.FAILED),
        ({"right": False}, Outcome.FAILED),
        ({"status": 500}, Outcome.FAILED),
        ({"rung": "cache"}, Outcome.GOOD),
        ({"rung": "cache", "right": False}, Outcome.FAILED),
        ({"rung": "menu", "right": False}, Outcome.DEGRADED),
        ({"rung": "menu", "right": False, "ended_s": 5.0}, Outcome.FAILED),
        ({"rung": "ticket", "status": 202, "right": False}, Outcome.DEGRADED),
        (REFUSED | {"retry_after_s": 1.0}, Outcome.REFUSED),
        (REFUSED | {"retry_after_s": 1.0, "status": 429}, Outcome.REFUSED),
        (REFUSED, Outcome.FAILED),
        (REFUSED | {"retry_after_s": 0.5}, Outcome.FAILED),
        (REFUSED | {"retry_after_s": 1.0, "ended_s": 9.0}, Outcome.FAILED),
        ({"attempt": 0, "status": 0, "error": "unsent", "ended_s": NAN}, Outcome.FAILED),
        ({"class_": "checkout", "status": 201, "order_id": "gone"}, Outcome.FAILED),
        ({"class_": "checkout", "status": 201, "order_id": "there"}, Outcome.GOOD),
        ({"class_": "menu", "ended_s": 0.5, "rung": "none"}, Outcome.GOOD),
    ],
)
def test_an_outcome_is_what_the_definitions_say(row, outcome):
    found = judged(row, orders=frozenset({"there"}))

    assert Outcome(int(found.outcome[0])) is outcome


def test_a_retry_is_judged_from_the_first_intended_time():
    first = {"request_id": "r", "final": False, "status": 0, "ended_s": 2.0, "right": False}
    again = {"request_id": "r", "attempt": 2, "sent_s": 3.0}

    in_time = judged(first, again | {"ended_s": 3.9})
    late = judged(first, again | {"ended_s": 4.1})

    assert len(in_time) == 1
    assert in_time.attempts[0] == 2
    assert in_time.good[0]
    assert not late.good[0]


def test_a_ticket_redeemed_late_is_degraded_and_a_broken_one_failed():
    ticket = {"request_id": "r", "rung": "ticket", "status": 202, "right": False, "final": False}
    ticket |= {"ticket": "t", "ended_s": 0.1}
    redeemed = {"request_id": "r", "attempt": 2, "sent_s": 8.0, "ended_s": 9.5, "ticket": "t"}

    assert judged(ticket, redeemed).outcome[0] == Outcome.DEGRADED
    assert judged(ticket, redeemed | {"status": 500}).outcome[0] == Outcome.FAILED
    assert judged(ticket, redeemed | {"ended_s": 3.0}).outcome[0] == Outcome.GOOD


def test_goodput_weighs_rungs_and_looks_at_the_window_only():
    rows = [{"intended_s": t, "ended_s": t + 1} for t in (0.0, 1.0, 2.0)]
    rows += [{"intended_s": 1.5, "ended_s": 2.0, "rung": "short"}]
    rows += [{"intended_s": 1.6, "ended_s": 2.0, "rung": "cache"}]
    found = judged(*rows)

    assert goodput_rps(found, "chat", Window(start_s=1.0, end_s=3.0)) == (2 + 0.25) / 2
    assert goodput_rps(found, "chat", Window(start_s=3.0, end_s=3.0)) is None
    assert offered_rps(found, "chat", Window(start_s=1.0, end_s=3.0)) == 2.0


def test_cheap_rungs_are_worth_nothing_to_goodput():
    rungs = np.array(["full", "short", "cache", "rules", "menu", "ticket", "refused", ""])

    weights = rung_weights(rungs, np.array(["chat"] * 8), 0.25)

    assert weights.tolist() == [1.0, 0.25, 0, 0, 0, 0, 0, 0]


def test_invited_retries_are_told_apart():
    rows = [{"request_id": "r", "attempt": n, "final": n == 3} for n in (1, 2, 3)]
    rows[1]["honoured"] = True
    found = judged(*rows)

    assert amplification(found, np.array([True])) == (3.0, 2.0)
    assert amplification(found, np.array([False])) is None


rungs = st.sampled_from(["full", "short", "cache", "rules", "menu", "ticket", "refused"])
one_row = st.fixed_dictionaries(
    {
        "intended_s": st.floats(0, 10),
        "ended_s": st.floats(0, 20) | st.just(NAN),
        "status": st.sampled_from([0, 200, 202, 429, 500, 503]),
        "rung": rungs,
        "right": st.booleans(),
        "attempt": st.integers(0, 3),
        "retry_after_s": st.floats(0, 5) | st.just(NAN),
        "request_id": st.sampled_from([f"r{i}" for i in range(6)]),
        "final": st.booleans(),
    }
)


@given(st.lists(one_row, min_size=1, max_size=20), st.floats(0, 5), st.floats(0.1, 10))
def test_goodput_never_exceeds_what_was_offered(rows, start, seconds):
    found = judged(*rows)
    window = Window(start_s=start, end_s=start + seconds)

    goodput = goodput_rps(found, "chat", window)

    assert goodput is not None
    assert 0 <= goodput <= (offered_rps(found, "chat", window) or 0) + 1e-9


@given(st.lists(one_row, min_size=1, max_size=20), st.randoms())
def test_every_request_has_one_outcome_whatever_the_order_of_rows(rows, rng):
    numbered = [row | {"attempt": n} for n, row in enumerate(rows, 1)]
    shuffled = list(numbered)
    rng.shuffle(shuffled)
    one, other = judged(*numbered), judged(*shuffled)

    assert len(one) == len({row["request_id"] for row in rows})
    assert one.outcome.tolist() == other.outcome.tolist()
    assert int(one.attempts.sum()) == len(rows)


@given(st.lists(one_row, min_size=1, max_size=20), st.floats(0.1, 3))
def test_a_longer_deadline_never_makes_fewer_good(rows, more):
    table = attempts(*rows)
    good = [
        int(
            requests_of(
                table,
                deadlines_s={"chat": 2.0 + extra},
                ledger_order_ids=frozenset(),
                short_weight=0.25,
            ).good.sum()
        )
        for extra in (0.0, more)
    ]

    assert good[0] <= good[1]
