"""Reads a run folder. Missing or corrupted pieces: `RunFolderError`, one sentence, no traceback."""

from __future__ import annotations

from pathlib import Path

from teastorm.verdict import files, seal
from teastorm.verdict.attempts import read_attempts
from teastorm.verdict.errors import RunFolderError, naming
from teastorm.verdict.events import Event, parse_event
from teastorm.verdict.faults import Fault, parse_faults
from teastorm.verdict.journal import Journal, parse_journal, refuse_other_checks
from teastorm.verdict.ledger import parse_ledger
from teastorm.verdict.load import parse_load
from teastorm.verdict.meta import RunMeta, parse_meta
from teastorm.verdict.metrics import read_metrics
from teastorm.verdict.plan import parse_plan
from teastorm.verdict.plausible import refuse_impossible
from teastorm.verdict.requests import requests_of
from teastorm.verdict.run import Run


def read_run(path: Path) -> Run:
    """The run in a folder, with every request's outcome decided.

    Raises `RunFolderError` naming file, field and fix. Safe to call from several threads.
    """
    if not path.is_dir():
        raise RunFolderError(f"{path} is no run folder; name a folder below runs/.")
    with naming(path):
        return _read(path)


def _read(path: Path) -> Run:
    raw = files.mapping(path, "run.json")
    meta, slo = parse_meta(raw)
    if raw.flag("sealed", False) or (path / seal.FILE).exists():
        seal.refuse_broken(files.mapping(path, seal.FILE), path)
    journal = _journal(path)
    if journal is not None:
        refuse_other_checks(journal, meta)
    books = parse_ledger(files.mapping(path, "ledger.json"))
    plan = parse_plan(files.mapping(path, "plan.json"))
    attempts = read_attempts(path)
    refuse_impossible(attempts, plan)
    requests = requests_of(
        attempts,
        deadlines_s=meta.deadlines_s,
        ledger_order_ids=frozenset(order.order_id for order in books.orders),
        short_weight=meta.inference.tokens_short / meta.inference.tokens_full,
    )
    return Run(
        path=path,
        meta=meta,
        plan=plan,
        load=parse_load(files.mapping(path, "load.json")),
        faults=parse_faults(files.rows(path, "faults.json")),
        events=tuple(parse_event(row) for row in files.rows(path, "events.json")),
        ledger=books,
        journal=journal,
        attempts=attempts,
        requests=requests,
        metrics=read_metrics(path),
        slo=slo,
    )


def read_meta(path: Path) -> RunMeta:
    """run.json alone, for a run that ended before the rest was written."""
    with naming(path):
        return parse_meta(files.mapping(path, "run.json"))[0]


def read_faults(path: Path) -> tuple[Fault, ...]:
    """faults.json alone; empty when it was never written."""
    if not (path / "faults.json").exists():
        return ()
    with naming(path):
        return parse_faults(files.rows(path, "faults.json"))


def read_events(path: Path) -> tuple[Event, ...]:
    """events.json alone; empty when it was never written."""
    if not (path / "events.json").exists():
        return ()
    with naming(path):
        return tuple(parse_event(row) for row in files.rows(path, "events.json"))


def read_journal(path: Path) -> Journal | None:
    """Chaos Toolkit's journal, or None when there is none."""
    with naming(path):
        return _journal(path)


def _journal(path: Path) -> Journal | None:
    if not (path / "journal.json").exists():
        return None
    return parse_journal(files.mapping(path, "journal.json"))
