"""Reads a run folder. Missing or corrupted pieces: `RunFolderError`, one sentence, no traceback."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import cast

import orjson

from teastorm.verdict import ledger, record
from teastorm.verdict.attempts import Attempts, read_attempts
from teastorm.verdict.errors import RunFolderError, naming
from teastorm.verdict.fields import Fields, nearest
from teastorm.verdict.metrics import read_metrics
from teastorm.verdict.record import Json, Window
from teastorm.verdict.registry import known_ids
from teastorm.verdict.run import Run
from teastorm.verdict.slo import Slo, parse_slo
from teastorm.verdict.words import requests_of

SCHEMA = "teastorm.run/1"
CLOCK_SLACK_S = 0.05


def read_run(path: Path) -> Run:
    """The run in a folder, with every request's outcome decided.

    Raises `RunFolderError` naming file, field and fix. Safe to call from several threads.
    """
    if not path.is_dir():
        raise RunFolderError(f"{path} is no run folder; name a folder below runs/.")
    with naming(path):
        return _read(path)


def _read(path: Path) -> Run:
    raw = _mapping(path, "run.json")
    meta, slo = _meta(raw)
    books = ledger.read_ledger(_mapping(path, "ledger.json"))
    attempts = read_attempts(_existing(path, "requests.parquet"))
    _refuse_impossible(attempts)
    requests = requests_of(
        attempts,
        deadlines_s=meta.deadlines_s,
        ledger_order_ids=frozenset(order.order_id for order in books.orders),
        short_weight=meta.inference.tokens_short / meta.inference.tokens_full,
    )
    return Run(
        path=path,
        meta=meta,
        plan=_plan(_mapping(path, "plan.json")),
        load=_load(_mapping(path, "load.json")),
        faults=tuple(_fault(row) for row in _list(path, "faults.json")),
        events=tuple(_event(row) for row in _list(path, "events.json")),
        ledger=books,
        journal=_journal(path),
        attempts=attempts,
        requests=requests,
        metrics=read_metrics(_existing(path, "metrics.parquet")),
        slo=slo,
    )


def _refuse_impossible(rows: Attempts) -> None:
    """Refuse times that run backwards: an answer from before its question would count as quick."""
    before_sent = rows.real & (rows.ended_s < rows.sent_s - CLOCK_SLACK_S)
    before_intended = rows.real & (rows.sent_s < rows.intended_s - CLOCK_SLACK_S)
    for wrong, said in (
        (before_sent, "end before they were sent"),
        (before_intended, "go too soon"),
    ):
        if wrong.any():
            raise RunFolderError(
                f"requests.parquet: {int(wrong.sum())} attempts {said} (the first is "
                f"{rows.request_id[wrong][0]}); run the experiment again."
            )


def read_meta(path: Path) -> record.RunMeta:
    """run.json alone, for a run that ended before the rest was written."""
    with naming(path):
        return _meta(_mapping(path, "run.json"))[0]


def read_faults(path: Path) -> tuple[record.Fault, ...]:
    """faults.json alone; empty when it was never written."""
    if not (path / "faults.json").exists():
        return ()
    with naming(path):
        return tuple(_fault(row) for row in _list(path, "faults.json"))


def read_journal(path: Path) -> record.Journal | None:
    """Chaos Toolkit's journal, or None when there is none."""
    with naming(path):
        return _journal(path)


def _journal(path: Path) -> record.Journal | None:
    if not (path / "journal.json").exists():
        return None
    raw = _mapping(path, "journal.json")
    probes = [_probe(row) for row in raw.items("run", optional=True)]
    states = raw.mapping("steady_states", optional=True)
    for name in ("before", "after", "during"):
        value = states.data.get(name)
        for state in value if isinstance(value, list) else [value]:
            if isinstance(state, dict):
                fields = Fields.of(state, f"journal.json: steady_states.{name}")
                probes += [_probe(row) for row in fields.items("probes", optional=True)]
    return record.Journal(
        status=raw.text("status", ""),
        probes=tuple(probes),
        rollbacks=tuple(_probe(row) for row in raw.items("rollbacks", optional=True)),
    )


def _probe(row: Fields) -> record.Probe:
    activity = row.mapping("activity", optional=True)
    succeeded = row.text("status", "") == "succeeded" and row.flag("tolerance_met", True)
    said = row.data.get("exception") or row.data.get("output")
    return record.Probe(
        name=activity.text("name", ""), succeeded=succeeded, said=str(said)[:200] if said else ""
    )


def _existing(path: Path, name: str) -> Path:
    file = path / name
    if not file.is_file():
        raise RunFolderError(f"{name} is missing; run the experiment again.")
    return file


def _json(path: Path, name: str) -> object:
    try:
        return cast("object", orjson.loads(_existing(path, name).read_bytes()))
    except orjson.JSONDecodeError as error:
        raise RunFolderError(f"{name} is not JSON ({error}); run the experiment again.") from error


def _mapping(path: Path, name: str) -> Fields:
    return Fields.of(_json(path, name), name)


def _list(path: Path, name: str) -> tuple[Fields, ...]:
    value = _json(path, name)
    if not isinstance(value, list):
        raise RunFolderError(f"{name} must be a list; run the experiment again.")
    return tuple(Fields.of(item, f"{name}: [{i}]") for i, item in enumerate(value))


def _meta(raw: Fields) -> tuple[record.RunMeta, Slo]:
    schema = raw.text("schema")
    if schema != SCHEMA:
        raise RunFolderError(f"run.json: schema must be {SCHEMA}, got {schema}.")
    checks = raw.texts("checks")
    for name in checks:
        if name not in known_ids():
            raise RunFolderError(
                f"run.json: checks: {name} is no check; {nearest(name, known_ids())}."
            )
    if not checks:
        raise RunFolderError("run.json: checks is empty; an experiment declares its checks.")
    protections = raw.mapping("protections")
    capacity = raw.mapping("capacity")
    deadlines = raw.mapping("deadlines_s").numbers()
    meta = record.RunMeta(
        experiment=raw.text("experiment"),
        platform=raw.text("platform"),
        arm=raw.text("arm"),
        seed=raw.whole("seed"),
        started=raw.text("started"),
        protections=MappingProxyType({n: protections.flag(n) for n in protections.data}),
        difference=_json_map(raw.mapping("difference", optional=True)),
        replicas=MappingProxyType(
            {n: int(v) for n, v in raw.mapping("replicas").numbers().items()}
        ),
        inference=_inference(raw.mapping("inference")),
        capacity=_capacity(capacity),
        capacity_raw=_json_map(capacity),
        checks=checks,
        time_factor=raw.number("time_factor", 1.0),
        deadlines_s=MappingProxyType(deadlines),
        versions=_json_map(raw.mapping("versions", optional=True)),
    )
    return meta, parse_slo(raw.mapping("slo").data, "run.json: slo")


def _json_map(fields: Fields) -> MappingProxyType[str, Json]:
    return MappingProxyType(cast("dict[str, Json]", dict(fields.data)))


def _inference(raw: Fields) -> record.Inference:
    found = record.Inference(
        max_num_seqs=raw.whole("max_num_seqs"),
        ttft_s=raw.number("ttft_s"),
        itl_s=raw.number("itl_s"),
        tokens_full=raw.number("tokens_full"),
        tokens_short=raw.number("tokens_short"),
        slowdown=raw.number("slowdown"),
    )
    if min(found.max_num_seqs, found.tokens_full, found.slowdown) <= 0:
        raise RunFolderError(
            "run.json: inference: max_num_seqs, tokens_full and slowdown must be above 0."
        )
    return found


def _capacity(raw: Fields) -> record.Capacity:
    steps = raw.items("steps", optional=True)
    sizes = [row.whole(name) for row in steps for name in ("samples", "requests") if row.has(name)]
    return record.Capacity(
        rps=raw.number("rps"),
        good_share=raw.number("good_share"),
        theory_rps=raw.number("theory_rps"),
        smallest_step=min(sizes) if sizes else None,
    )


def _plan(raw: Fields) -> record.Plan:
    phases = tuple(
        record.Phase(
            name=row.text("name"),
            window=_window(row),
            factor=row.number("factor", 1.0),
            chat_rps=row.number("chat_rps") if row.has("chat_rps") else None,
        )
        for row in raw.items("phases")
    )
    if not phases:
        raise RunFolderError("plan.json: phases is empty; run the experiment again.")
    return record.Plan(
        phases=phases,
        base_factor=raw.number("base_factor"),
        fault=_window(raw.mapping("fault")),
        classes=MappingProxyType({n: int(v) for n, v in raw.mapping("classes").numbers().items()}),
        arrivals=raw.whole("arrivals"),
    )


def _window(row: Fields) -> Window:
    try:
        return Window(start_s=row.number("start_s"), end_s=row.number("end_s"))
    except ValueError as error:
        raise RunFolderError(f"{row.where}: {str(error).removesuffix('.')}.") from error


def _load(raw: Fields) -> record.LoadSummary:
    return record.LoadSummary(
        planned=raw.whole("planned"),
        sent=raw.whole("sent"),
        unsent=raw.whole("unsent"),
        absent=raw.whole("absent", 0),
        lag_p99_s=raw.number("lag_p99_s"),
        cpu_share=raw.number("cpu_share"),
        stolen_share=raw.number("stolen_share", 0.0),
        workers=raw.whole("workers", 1),
        seconds=raw.number("seconds", 0.0),
    )


def _fault(row: Fields) -> record.Fault:
    return record.Fault(
        id=row.text("id"),
        kind=row.text("kind"),
        service=row.text("service", ""),
        planned=_json_map(row.mapping("planned", optional=True)),
        began_s=row.number("began_s") if row.has("began_s") else None,
        ended_s=row.number("ended_s") if row.has("ended_s") else None,
        before=tuple(_identity(item) for item in row.items("before", optional=True)),
        after=tuple(_identity(item) for item in row.items("after", optional=True)),
        proved=row.flag("proved"),
        evidence=row.text("evidence", ""),
        rolled_back=row.flag("rolled_back", False),
    )


def _identity(row: Fields) -> str:
    """Name, process and start as one text: equal texts are the same process."""
    if uid := row.text("uid", ""):
        return f"{row.text('replica', '')} (uid {uid}, restarts {row.data.get('restarts', 0)})"
    started = row.data.get("started", row.data.get("start_time", ""))
    return f"{row.text('replica', '')} (pid {row.data.get('pid', '?')}, started {started})"


def _event(row: Fields) -> record.Event:
    return record.Event(
        t_s=row.number("t_s"),
        kind=row.text("kind"),
        service=row.text("service", ""),
        replica=row.text("replica", ""),
        details=_json_map(row),
    )
