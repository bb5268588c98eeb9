"""For every check: the thing it guards is broken on purpose, and the run does not hold.

Each row of a table names the check, what breaks, and what the check says then. What breaks several
checks is done once.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.verdict import (
    broken_answers,
    broken_books,
    broken_evidence,
    broken_load,
    broken_recovery,
    broken_refusals,
    broken_replicas,
)
from tests.verdict.world import World

from teastorm.verdict.registry import known_ids

SABOTAGE = (
    *broken_evidence.SABOTAGE,
    *broken_load.SABOTAGE,
    *broken_answers.SABOTAGE,
    *broken_refusals.SABOTAGE,
    *broken_recovery.SABOTAGE,
    *broken_books.SABOTAGE,
    *broken_replicas.SABOTAGE,
)


def by_what_breaks() -> list[tuple[Callable[[World], None], dict[str, str]]]:
    found: dict[Callable[[World], None], dict[str, str]] = {}
    for check_id, break_it, status in SABOTAGE:
        found.setdefault(break_it, {})[check_id] = status
    return list(found.items())


@pytest.mark.parametrize(
    ("break_it", "expected"),
    [pytest.param(*case, id=case[0].__name__) for case in by_what_breaks()],
)
def test_broken_on_purpose_is_seen(break_it, expected, protected, tmp_path):
    break_it(protected)

    result = protected.judge(tmp_path / "run")

    assert result.exit_code != 0
    statuses = {check.id: str(check.status) for check in result.checks}
    assert {check_id: statuses[check_id] for check_id in expected} == expected


def test_every_check_is_sabotaged():
    assert {case[0] for case in SABOTAGE} == set(known_ids())
    # A check and what breaks it make one row: two would hide one another.
    assert len({case[:2] for case in SABOTAGE}) == len(SABOTAGE)
