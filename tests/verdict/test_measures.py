"""Measures over many requests: fairness, percentiles, shares, and inversions of priority."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.verdict.attempt_rows import NAN, attempts, judged

from teastorm.verdict.order import announced_level, inversions
from teastorm.verdict.window import Window
from teastorm.verdict.words import (
    jain,
    percentile,
    success_share,
    user_shares,
)


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
