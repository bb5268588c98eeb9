"""From checks to a verdict: which of several failures decides, and the sentence that says why."""

from __future__ import annotations

from collections.abc import Iterable

from teastorm.verdict.check import Check, Role, Status
from teastorm.verdict.registry import entries
from teastorm.verdict.result import Verdict

# Which failures a reader is told first; the others follow in the order they were declared.
TOLD_FIRST = ("goodput-retention", "recovery-time", "critical-plus-success", "critical-success")


def decide(
    checks: Iterable[Check], *, interrupted: bool, incomplete: str = ""
) -> tuple[Verdict, str]:
    """The verdict by precedence, and why in one sentence.

    Rollback failed 5 > interrupted 130 > precondition 3 > ledger broken 1 > void 4 > a check
    failed 1 > unknown 4 > held 0. A voiding check that is unknown voids as well, and so does a
    baseline that nobody knows: a failure under a fault that nobody saw, or of a shop that may have
    been ill before, says nothing about the fault. `incomplete` says what of the experiment did not
    take place: nothing is held then, whatever the checks found in the rest.
    """
    found = tuple(checks)
    known = entries()
    failed = [check for check in found if check.status is Status.FAIL]

    def of(role: Role, among: Iterable[Check] = failed) -> list[Check]:
        return [check for check in among if known[check.id].role is role]

    unsure = [check for check in found if check.status is Status.UNKNOWN]
    void = of(Role.VOID) + of(Role.VOID, unsure) + of(Role.PRECONDITION, unsure)
    ladder: tuple[tuple[bool, Verdict, str], ...] = (
        (bool(of(Role.ROLLBACK)), Verdict.ROLLBACK_FAILED, _say(of(Role.ROLLBACK))),
        (
            interrupted,
            Verdict.INTERRUPTED,
            "the run was interrupted; what had begun was rolled back",
        ),
        (bool(of(Role.PRECONDITION)), Verdict.PRECONDITION, _say(of(Role.PRECONDITION))),
        (bool(of(Role.LEDGER)), Verdict.DEVIATED, _say(of(Role.LEDGER))),
        (bool(void), Verdict.INCONCLUSIVE, f"this run judges nothing: {_say(void)}"),
        (bool(failed), Verdict.DEVIATED, _say(failed)),
        (bool(unsure) or not found, Verdict.INCONCLUSIVE, f"not known: {_say(unsure)}"),
        (bool(incomplete), Verdict.INCONCLUSIVE, f"not all of it took place: {incomplete}"),
    )
    for applies, verdict, reason in ladder:
        if applies:
            return verdict, reason
    return Verdict.HELD, f"all {len(found)} checks passed and the run was conclusive"


def _say(checks: list[Check]) -> str:
    told = sorted(checks, key=lambda check: (*TOLD_FIRST, check.id).index(check.id))
    said = "; ".join(f"{check.id}: {check.why}" for check in told[:3])
    more = len(checks) - 3
    return f"{said} (and {more} more)" if more > 0 else said
