"""For every check: the thing it guards is broken on purpose, and the run does not hold.

Each row of a table names the check, what breaks, and what the check says then.
"""

from __future__ import annotations

import pytest
from tests.verdict import (
    broken_answers,
    broken_books,
    broken_evidence,
    broken_load,
    broken_replicas,
)

from teastorm.verdict.registry import known_ids

SABOTAGE = (
    *broken_evidence.SABOTAGE,
    *broken_load.SABOTAGE,
    *broken_answers.SABOTAGE,
    *broken_books.SABOTAGE,
    *broken_replicas.SABOTAGE,
)


@pytest.mark.parametrize(
    ("check_id", "break_it", "expected"),
    [pytest.param(*case, id=f"{case[0]}-{case[1].__name__}") for case in SABOTAGE],
)
def test_broken_on_purpose_is_seen(check_id, break_it, expected, protected, status_of):
    break_it(protected)

    assert status_of(protected, check_id) == expected


def test_every_check_is_sabotaged():
    assert {case[0] for case in SABOTAGE} == set(known_ids())
