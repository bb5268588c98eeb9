"""Which exit goes before which, and what is never held."""

from __future__ import annotations

import itertools

import pytest

from teastorm.verdict.check import Check, Role, Status
from teastorm.verdict.precedence import decide
from teastorm.verdict.registry import entries
from teastorm.verdict.result import EXIT, Verdict

BY_ROLE = {
    Role.ROLLBACK: "rollback-proved",
    Role.PRECONDITION: "baseline-sound",
    Role.LEDGER: "ledger-no-loss",
    Role.VOID: "generator-healthy",
    Role.OBJECTIVE: "goodput-retention",
}


def check(check_id: str, status: Status) -> Check:
    value = None if status is Status.UNKNOWN else 1.0
    return Check(
        id=check_id,
        status=status,
        value=value,
        limit=1.0,
        unit="share",
        n=10,
        n_min=1,
        why="because",
        fix="mend it",
    )


ORDER = (
    (Role.ROLLBACK, Verdict.ROLLBACK_FAILED),
    (None, Verdict.INTERRUPTED),
    (Role.PRECONDITION, Verdict.PRECONDITION),
    (Role.LEDGER, Verdict.DEVIATED),
    (Role.VOID, Verdict.INCONCLUSIVE),
    (Role.OBJECTIVE, Verdict.DEVIATED),
)


@pytest.mark.parametrize("broken", list(itertools.product([False, True], repeat=len(ORDER))))
def test_the_first_of_the_precedence_decides(broken):
    checks, interrupted = [], False
    for (role, _), is_broken in zip(ORDER, broken, strict=True):
        if role is None:
            interrupted = is_broken
        else:
            checks.append(check(BY_ROLE[role], Status.FAIL if is_broken else Status.PASS))
    expected = next((v for (_, v), bad in zip(ORDER, broken, strict=True) if bad), Verdict.HELD)

    assert decide(checks, interrupted=interrupted)[0] is expected


@pytest.mark.parametrize("role", list(Role))
def test_an_unknown_is_never_held(role):
    checks = [check(i, Status.PASS) for r, i in BY_ROLE.items() if r is not role]
    checks.append(check(BY_ROLE[role], Status.UNKNOWN))

    assert decide(checks, interrupted=False)[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("role", [Role.VOID, Role.PRECONDITION])
def test_a_failure_on_unknown_ground_judges_nothing(role):
    checks = [check(BY_ROLE[role], Status.UNKNOWN), check(BY_ROLE[Role.OBJECTIVE], Status.FAIL)]

    assert decide(checks, interrupted=False)[0] is Verdict.INCONCLUSIVE


def test_no_checks_are_no_verdict():
    assert decide([], interrupted=False)[0] is Verdict.INCONCLUSIVE


def test_a_pass_needs_a_value_and_samples():
    with pytest.raises(ValueError, match="a pass needs"):
        Check(
            id="x",
            status=Status.PASS,
            value=1.0,
            limit=1.0,
            unit="",
            n=1,
            n_min=2,
            why="because",
            fix="",
        )


def test_every_role_is_there_and_every_verdict_has_its_exit():
    assert {entry.role for entry in entries().values()} == set(Role)
    assert EXIT == {
        Verdict.HELD: 0,
        Verdict.DEVIATED: 1,
        Verdict.PRECONDITION: 3,
        Verdict.INCONCLUSIVE: 4,
        Verdict.ROLLBACK_FAILED: 5,
        Verdict.INTERRUPTED: 130,
    }
