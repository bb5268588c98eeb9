"""Reads a run folder. Missing or corrupted pieces: `RunFolderError`, one sentence, no traceback."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import cast

import orjson

from teastorm.verdict import faults as faultrows
from teastorm.verdict import journal as journals
from teastorm.verdict import ledger, record, seal
from teastorm.verdict.attempts import read_attempts
from teastorm.verdict.errors import RunFolderError, naming
from teastorm.verdict.fields import Fields, nearest
from teastorm.verdict.metrics import read_metrics
from teastorm.verdict.plausible import refuse_impossible
from teastorm.verdict.record import Json, Window
from teastorm.verdict.registry import known_ids
from teastorm.verdict.run import Run
from teastorm.verdict.slo import YOUNGER, Slo, parse_slo
from teastorm.verdict.words import requests_of

SCHEMA = "teastorm.run/1"
PLAN_SCHEMA = "teastorm.plan/1"
LOAD_SCHEMA = "teastorm.load/1"
ROUNDING_S = 1e-3


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
    if raw.flag("sealed", False) or (path / seal.FILE).exists():
        seal.refuse_broken(_mapping(path, seal.FILE), path)
    journal = _journal(path)
    if journal is not None:
        journals.refuse_other_checks(journal, meta)
    books = ledger.read_ledger(_mapping(path, "ledger.json"))
    plan = _plan(_mapping(path, "plan.json"))
    attempts = read_attempts(_existing(path, "requests.parquet"))
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
        load=_load(_mapping(path, "load.json")),
        faults=faultrows.read_faults(_list(path, "faults.json")),
        events=tuple(_event(row) for row in _list(path, "events.json")),
        ledger=books,
        journal=journal,
        attempts=attempts,
        requests=requests,
        metrics=read_metrics(_existing(path, "metrics.parquet")),
        slo=slo,
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
        return faultrows.read_faults(_list(path, "faults.json"))


def read_journal(path: Path) -> record.Journal | None:
    """Chaos Toolkit's journal, or None when there is none."""
    with naming(path):
        return _journal(path)


def _journal(path: Path) -> record.Journal | None:
    if not (path / "journal.json").exists():
        return None
    return journals.read_journal(_mapping(path, "journal.json"))


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
    _refuse_other_schema(raw, SCHEMA)
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
    younger = YOUNGER.difference(checks)
    return meta, parse_slo(raw.mapping("slo").data, "run.json: slo", may_lack=younger)


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


def _refuse_other_schema(raw: Fields, wanted: str) -> None:
    if (schema := raw.text("schema")) != wanted:
        raise RunFolderError(f"{raw.at('schema')} must be {wanted}, got {schema}.")


def _plan(raw: Fields) -> record.Plan:
    _refuse_other_schema(raw, PLAN_SCHEMA)
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
    for before, after in pairwise(phases):
        if abs(after.window.start_s - before.window.end_s) > ROUNDING_S:
            raise RunFolderError(
                f"plan.json: phases: {after.name} must start where {before.name} ends."
            )
    fault = _window(raw.mapping("fault"))
    first, last = phases[0].window.start_s, phases[-1].window.end_s
    if fault.start_s < first - ROUNDING_S or fault.end_s > last + ROUNDING_S:
        raise RunFolderError("plan.json: fault must lie within the phases.")
    given = raw.mapping("classes")
    classes = {name: given.whole(name) for name in given.data}
    arrivals = raw.whole("arrivals")
    if min(classes.values(), default=0) < 0 or sum(classes.values()) != arrivals:
        raise RunFolderError(
            f"plan.json: classes must add up to arrivals ({arrivals}), got {sum(classes.values())}."
        )
    return record.Plan(
        phases=phases,
        base_factor=raw.number("base_factor"),
        fault=fault,
        classes=MappingProxyType(classes),
        arrivals=arrivals,
    )


def _window(row: Fields) -> Window:
    try:
        return Window(start_s=row.seconds("start_s"), end_s=row.seconds("end_s"))
    except ValueError as error:
        raise RunFolderError(f"{row.where}: {str(error).removesuffix('.')}.") from error


def _load(raw: Fields) -> record.LoadSummary:
    _refuse_other_schema(raw, LOAD_SCHEMA)
    for name in ("planned", "sent", "unsent", "absent"):
        if raw.has(name) and raw.whole(name) < 0:
            raise RunFolderError(f"{raw.at(name)} must be 0 or more, got {raw.whole(name)}.")
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
        interrupted=raw.flag("interrupted", False),
    )


def _event(row: Fields) -> record.Event:
    return record.Event(
        t_s=row.number("t_s"),
        kind=row.text("kind"),
        service=row.text("service", ""),
        replica=row.text("replica", ""),
        details=_json_map(row),
    )
