"""The words of the definitions, by example and by property."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teastorm.verdict.attempts import Attempts
from teastorm.verdict.order import announced_level, inversions
from teastorm.verdict.record import Window
from teastorm.verdict.words import (
    Outcome,
    amplification,
    goodput_rps,
    jain,
    offered_rps,
    percentile,
    requests_of,
    rung_weights,
    success_share,
    user_shares,
)

NAN = float("nan")
DEADLINES = {"chat": 4.0, "checkout": 2.0, "menu": 1.0}
CRITICALITY = {"chat": "sheddable_plus", "checkout": "critical", "menu": "sheddable"}
TEXTS = "error reason refused_for threshold order_id ticket phase"


def attempts(*rows: dict) -> Attempts:
    full = []
    for number, row in enumerate(rows):
        class_ = row.get("class_", "chat")
        base: dict[str, object] = dict.fromkeys(TEXTS.split(), "") | {
            "request_id": f"r{number}",
            "class_": class_,
            "criticality": CRITICALITY[class_],
            "user": "u",
            "key": f"k{number}",
            "intended_s": 0.0,
            "attempt": 1,
            "sent_s": row.get("intended_s", 0.0),
            "ended_s": 1.0,
            "status": 200,
            "rung": "full",
            "retry_after_s": NAN,
            "replica": "g",
            "sequence_s": 1.0,
            "right": True,
            "waited_s": 0.0,
            "final": True,
            "lag_s": 0.0,
            "honoured": False,
        }
        full.append(base | row)
    names = Attempts.__dataclass_fields__
    return Attempts(**{name: np.array([row[name] for row in full]) for name in names})


def judged(*rows: dict, orders: frozenset[str] = frozenset()):
    return requests_of(
        attempts(*rows), deadlines_s=DEADLINES, ledger_order_ids=orders, short_weight=0.25
    )


REFUSED = {"status": 503, "rung": "refused", "right": False, "ended_s": 0.01}


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


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=30), st.floats(0.1, 10))
def test_jain_lies_between_one_nth_and_one_and_knows_no_scale(shares, scale):
    values = np.array(shares)
    index = jain(values)

    assert index is not None
    assert 1 / len(shares) - 1e-9 <= index <= 1 + 1e-9
    assert jain(values * scale) == pytest.approx(index)


def test_jain_of_nothing_is_nothing():
    assert jain(np.array([])) is None
    assert jain(np.zeros(3)) is None
    assert jain(np.array([1.0, 0, 0, 0])) == 0.25


def test_users_with_few_requests_say_nothing_of_fairness():
    rows = [{"user": "often"} for _ in range(5)] + [{"user": "rare"} for _ in range(4)]
    found = judged(*rows)

    assert user_shares(found, np.ones(9, dtype=bool)).tolist() == [1.0]


@given(st.lists(st.floats(-5, 5) | st.just(NAN), max_size=30), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values(values, share):
    found = percentile(np.array(values), share)
    finite = [v for v in values if math.isfinite(v)]

    assert (found is None) == (not finite)
    if found is not None:
        assert found in finite
        assert sum(v <= found for v in finite) >= share * len(finite) - 1e-6


def test_a_share_of_none_is_none():
    assert success_share(judged({}), np.array([False])) is None


@pytest.mark.parametrize(
    ("threshold", "level"),
    [("2:0.333", 2), ("critical:0.5", 1), ("", None), ("9:1", None), ("x", None)],
)
def test_an_announced_threshold_is_read(threshold, level):
    assert announced_level(threshold) == level


NO = {"class_": "checkout", "status": 503, "reason": "priority", "refused_for": "gateway"}
YES = {"class_": "chat", "ended_s": 0.9}
W = Window(start_s=0.0, end_s=10.0)


@pytest.mark.parametrize(
    ("no", "yes", "inverted"),
    [
        ({}, {}, 1),
        ({}, {"replica": "another"}, 0),
        ({}, {"sent_s": 5.0}, 0),
        ({}, {"rung": "menu"}, 0),
        ({}, {"status": 503}, 0),
        ({"reason": "quota"}, {}, 0),
        ({"refused_for": "orders"}, {}, 0),
        ({"threshold": "1:0.2"}, {}, 1),
        ({"threshold": "1:0.2"}, {"threshold": "2:0.9"}, 0),
        ({"threshold": "2:0.9"}, {"threshold": "2:0.9"}, 1),
    ],
)
def test_an_inversion_is_what_no_threshold_explains(no, yes, inverted):
    rows = attempts(NO | {"ended_s": 0.5} | no, YES | yes)

    assert len(inversions(rows, W).inverted) == inverted


def test_a_ticket_holder_passes_nobody():
    given = YES | {"request_id": "t", "sent_s": 0.1, "status": 202, "rung": "ticket", "ticket": "x"}
    redeemed = YES | {"request_id": "t", "sent_s": 0.6, "attempt": 2}
    refused = NO | {"ended_s": 0.5}

    assert not inversions(attempts(refused, given, redeemed), W).inverted
    assert len(inversions(attempts(refused, redeemed), W).inverted) == 1
