"""From a run folder to a verdict. Never vacuous: what cannot be known is not held."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from teastorm.verdict.check import Check, Role, Status
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.folder import read_faults, read_journal, read_meta, read_run
from teastorm.verdict.record import Journal, Json, RunMeta
from teastorm.verdict.registry import entries
from teastorm.verdict.result import Result, Verdict
from teastorm.verdict.run import Run
from teastorm.verdict.timeline import summary

# Without these a verdict would rest on nothing, whatever an experiment declares.
ALWAYS = (
    "fault-proved",
    "generator-healthy",
    "baseline-sound",
    "rollback-proved",
    "replicas-lived",
)

# Which failures a reader is told first; the others follow in the order they were declared.
TOLD_FIRST = ("goodput-retention", "recovery-time", "critical-plus-success", "critical-success")


def judge(run_dir: Path) -> Result:
    """The verdict on a finished run, or on one that ended early for a reason its journal gives.

    Raises `RunFolderError` (one sentence) when the folder cannot be read and no interruption,
    unmet baseline or failed rollback explains it. Reads only; `write_result` writes.
    """
    try:
        run = read_run(run_dir)
    except RunFolderError as error:
        early = _ended_early(run_dir, str(error))
        if early is None:
            raise
        return early
    return judge_run(run)


def judge_run(run: Run) -> Result:
    """The verdict on a run that has been read."""
    checks = evaluate(run)
    journal = run.journal
    verdict, reason = decide(
        checks,
        interrupted=journal is not None and journal.interrupted,
        incomplete="" if journal is None else _incomplete(journal),
    )
    ledger = run.ledger
    return Result(
        experiment=run.meta.experiment,
        platform=run.meta.platform,
        arm=run.meta.arm,
        seed=run.meta.seed,
        started=run.meta.started,
        capacity=run.meta.capacity_raw,
        versions=run.meta.versions,
        difference=run.meta.difference,
        replicas=run.meta.replicas,
        verdict=verdict,
        reason=reason,
        load={
            **{name: _json(value) for name, value in dataclasses.asdict(run.load).items()},
            "phases": [
                {
                    "name": phase.name,
                    "start_s": phase.window.start_s,
                    "end_s": phase.window.end_s,
                    "factor": phase.factor,
                    "chat_rps": phase.chat_rps,
                }
                for phase in run.plan.phases
            ],
        },
        checks=checks,
        faults=run.faults,
        ledger={
            "orders": len(ledger.orders),
            "coupon_budget": ledger.coupon_budget,
            "coupon_spent": ledger.coupon_spent,
            "outbox_pending": ledger.outbox_pending,
            "outbox_delivered": ledger.outbox_delivered,
            "assignments": len(ledger.assignments),
            "notices": len(ledger.notices),
            "settled": len(ledger.settled),
        },
        timeline=summary(run),
    )


def declared(meta: RunMeta) -> tuple[str, ...]:
    """The checks an experiment declares, and those that no verdict can do without."""
    return tuple(dict.fromkeys((*ALWAYS, *meta.checks)))


def evaluate(run: Run) -> tuple[Check, ...]:
    """Every declared check, in order; those that are younger than the run's objectives are not there."""
    known = entries()
    wanted = (check_id for check_id in declared(run.meta) if check_id in run.slo.objectives)
    return tuple(known[check_id].evaluate(run) for check_id in wanted)


def decide(
    checks: Iterable[Check], *, interrupted: bool, incomplete: str = ""
) -> tuple[Verdict, str]:
    """The verdict by precedence, and why in one sentence.

    Rollback failed 5 > interrupted 130 > precondition 3 > ledger broken 1 > void 4 > a check
    failed 1 > unknown 4 > held 0. A voiding check that is unknown voids as well: a failure under
    a fault that nobody saw says nothing about the fault. `incomplete` says what of the experiment
    did not take place: nothing is held then, whatever the checks found in the rest.
    """
    found = tuple(checks)
    known = entries()
    failed = [check for check in found if check.status is Status.FAIL]

    def of(role: Role, among: Iterable[Check] = failed) -> list[Check]:
        return [check for check in among if known[check.id].role is role]

    unsure = [check for check in found if check.status is Status.UNKNOWN]
    void = of(Role.VOID) + of(Role.VOID, unsure)
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


def _incomplete(journal: Journal) -> str:
    """What Chaos Toolkit's own record says against a run that it was asked to complete."""
    # Probes that look while a fault lasts are for people; the checks say the same, and when it counts.
    failed = [action for action in journal.actions if not action.succeeded]
    if failed:
        return f"{failed[0].name} failed ({failed[0].said or 'no reason given'})"
    if journal.deviated:
        return "the steady state was not met again after the method"
    if journal.status != "completed":
        return f"the journal's status is {journal.status or 'missing'}"
    return ""


def _json(value: object) -> Json:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _ended_early(run_dir: Path, missing: str) -> Result | None:
    """The verdict on a run whose journal says that it ended before everything was written."""
    meta = read_meta(run_dir)
    journal = read_journal(run_dir)
    if journal is None:
        return None
    faults = read_faults(run_dir)
    left = any(fault.began_s is not None and not fault.rolled_back for fault in faults)
    unmet = [p.name for p in journal.probes if p.name.startswith("baseline") and not p.succeeded]
    if left or not all(probe.succeeded for probe in journal.rollbacks):
        verdict, reason = Verdict.ROLLBACK_FAILED, "a fault was not rolled back"
    elif journal.interrupted:
        verdict, reason = Verdict.INTERRUPTED, "the run was interrupted"
    elif unmet or (journal.status == "failed" and not any(fault.began_s for fault in faults)):
        verdict = Verdict.PRECONDITION
        reason = f"the baseline was not met ({', '.join(unmet) or journal.status})"
    else:
        return None
    checks = tuple(
        Check(
            id=check_id,
            status=Status.UNKNOWN,
            value=None,
            limit=None,
            unit="",
            n=0,
            n_min=0,
            why=f"the run ended early: {missing}",
            fix="run the experiment again",
        )
        for check_id in declared(meta)
    )
    return Result(
        experiment=meta.experiment,
        platform=meta.platform,
        arm=meta.arm,
        seed=meta.seed,
        started=meta.started,
        capacity=meta.capacity_raw,
        versions=meta.versions,
        difference=meta.difference,
        replicas=meta.replicas,
        verdict=verdict,
        reason=f"{reason}; the run ended early",
        load={},
        checks=checks,
        faults=faults,
        ledger={},
        timeline={},
    )
