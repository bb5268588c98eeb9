"""The verdict on a run that ended before everything was written: its journal says why it ended."""

from __future__ import annotations

from pathlib import Path

from teastorm.verdict.check import Check, Status
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.events import left_behind
from teastorm.verdict.folder import read_events, read_faults, read_journal, read_meta
from teastorm.verdict.registry import declared
from teastorm.verdict.result import Result, Verdict


def ended_early(run_dir: Path, missing: str) -> Result | None:
    """An interruption, an unmet baseline or a failed rollback; None when the journal tells of none.

    `missing` says what of the folder could not be read. Raises `RunFolderError` when even run.json,
    faults.json or journal.json cannot.
    """
    meta = read_meta(run_dir)
    journal = read_journal(run_dir)
    if journal is None:
        return None
    faults = read_faults(run_dir)
    left = any(fault.began_s is not None and not fault.rolled_back for fault in faults)
    behind = _behind(run_dir)
    unmet = [p.name for p in journal.probes if p.name.startswith("baseline") and not p.succeeded]
    if left or not all(probe.succeeded for probe in journal.rollbacks):
        verdict, reason = Verdict.ROLLBACK_FAILED, "a fault was not rolled back"
    elif behind:
        verdict, reason = Verdict.ROLLBACK_FAILED, f"{', '.join(behind)} was left behind"
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
        for check_id in declared(meta.checks)
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


def _behind(run_dir: Path) -> list[str]:
    """What the tear-down left; nothing where events.json is what cannot be read."""
    try:
        return left_behind(read_events(run_dir))
    except RunFolderError:
        return []
