"""From a run folder to a verdict. Never vacuous: what cannot be known is not held."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from teastorm.verdict.check import Check
from teastorm.verdict.early import ended_early
from teastorm.verdict.errors import RunFolderError, SealBroken
from teastorm.verdict.fields import Json
from teastorm.verdict.folder import read_run
from teastorm.verdict.journal import Journal
from teastorm.verdict.precedence import decide
from teastorm.verdict.registry import declared, entries
from teastorm.verdict.result import Result
from teastorm.verdict.run import Run
from teastorm.verdict.timeline import summary


def judge(run_dir: Path) -> Result:
    """The verdict on a finished run, or on one that ended early for a reason its journal gives.

    Raises `RunFolderError` (one sentence) when the folder cannot be read and no interruption,
    unmet baseline or failed rollback explains it; a broken seal is explained by none. Reads only; `write_result` writes.
    """
    try:
        run = read_run(run_dir)
    except SealBroken:
        raise
    except RunFolderError as error:
        early = ended_early(run_dir, str(error))
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


def evaluate(run: Run) -> tuple[Check, ...]:
    """Every declared check, in order; those that are younger than the run's objectives are not there."""
    known = entries()
    wanted = (check_id for check_id in declared(run.meta.checks) if check_id in run.slo.objectives)
    return tuple(known[check_id].evaluate(run) for check_id in wanted)


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
