"""One process of the generator: what it was told, its share of the log, its health."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
from pyarrow import parquet

from teastorm.load.errors import LoadFailed, PlanInvalid
from teastorm.load.plan import LoadPlan
from teastorm.load.records import Row, to_table, write_requests
from teastorm.load.schedule import Schedule

SPEC_VARIABLE = "TEASTORM_LOAD_SPEC"
PARTS = "load-parts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """What the starter tells the generator's processes, through a file."""

    plan: LoadPlan
    seed: int
    run_dir: Path
    endpoints_file: Path
    t0_unix_s: float
    workers: int = 1

    def write(self) -> Path:
        """Into the run folder; returns the file."""
        path = self.run_dir / "load-spec.json"
        raw = {
            "plan": self.plan.to_json(),
            "seed": self.seed,
            "endpoints_file": str(self.endpoints_file.resolve()),
            "t0_unix_s": self.t0_unix_s,
            "workers": self.workers,
        }
        path.write_text(json.dumps(raw), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Spec:
        """What `write` wrote; `PlanInvalid` in one sentence otherwise."""
        try:
            raw = json.loads(path.read_bytes())
            return cls(
                plan=LoadPlan.from_json(raw["plan"]),
                seed=int(raw["seed"]),
                run_dir=path.resolve().parent,
                endpoints_file=Path(raw["endpoints_file"]),
                t0_unix_s=float(raw["t0_unix_s"]),
                workers=int(raw["workers"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PlanInvalid(f"{path}: is no load specification ({error}).") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadReport:
    """`load.json`: whether the generator was up to its work. Seconds, but for counts and shares.

    Attributes:
        planned: arrivals drawn, without follow-ups whose checkout was never acknowledged.
        sent: wishes with at least one attempt.
        unsent: planned but never sent for the generator's own reasons.
        absent: follow-ups that never came to be.
        cpu_share: of one core, of the busiest worker.
        stolen_share: of the machine's CPU time, in the worst two seconds, by its hypervisor.
        interrupted: stopped before its schedule ended.
    """

    planned: int
    sent: int
    unsent: int
    absent: int
    attempts: int
    lag_p50_s: float
    lag_p99_s: float
    lag_max_s: float
    cpu_share: float
    stolen_share: float
    workers: int
    seconds: float
    interrupted: bool

    @classmethod
    def read(cls, path: Path) -> LoadReport:
        """From `load.json`; `LoadFailed` in one sentence when it is missing or broken."""
        try:
            raw = json.loads(path.read_bytes())
            return cls(**{name: raw[name] for name in cls.__slots__})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LoadFailed(f"{path}: is no load report ({error}).") from None


def write_plan(spec: Spec, schedule: Schedule, load_start_s: float) -> None:
    """`plan.json`: what was offered when, in seconds from t0."""
    plan = spec.plan
    fault = plan.fault_window()
    curves = [phase.curve.name for phase in plan.phases if phase.curve]
    counts = schedule.counts()
    raw = {
        "schema": "teastorm.plan/1",
        "seed": spec.seed,
        "load_start_s": load_start_s,
        "phases": [
            {
                "name": phase.name,
                "start_s": load_start_s + start_s,
                "end_s": load_start_s + end_s,
                "factor": phase.factor,
                # Only the curve knows the rate at each moment of its phase.
                "chat_rps": None if phase.curve else phase.factor * plan.capacity_rps,
            }
            for phase, start_s, end_s in plan.windows()
        ],
        "segments": [
            [load_start_s + s.start_s, load_start_s + s.end_s, s.rps] for s in plan.segments()
        ],
        "base_factor": plan.base_factor,
        "fault": {"start_s": load_start_s + fault[0], "end_s": load_start_s + fault[1]}
        if fault
        else None,
        "classes": counts,
        "arrivals": sum(counts.values()),
        "curve": curves[0] if curves else None,
        "digest": schedule.digest(),
    }
    _write(spec.run_dir / "plan.json", raw)


def write_part(
    spec: Spec,
    number: int,
    rows: list[Row],
    *,
    absent: int,
    cpu_share: float,
    stolen_share: float,
    seconds: float,
    interrupted: bool,
) -> None:
    """One worker's share of the log, to be joined by `merge`."""
    folder = spec.run_dir / PARTS
    folder.mkdir(exist_ok=True)
    health = {
        "absent": absent,
        "cpu_share": cpu_share,
        "stolen_share": stolen_share,
        "seconds": seconds,
        "interrupted": interrupted,
    }
    write_requests(folder / f"{number}.parquet", to_table(rows))
    _write(folder / f"{number}.json", health)


def merge(run_dir: Path, workers: int) -> LoadReport:
    """Join the workers' parts into `requests.parquet` and `load.json`; `LoadFailed` without any."""
    folder = run_dir / PARTS
    healths: list[Mapping[str, float]] = []
    tables = []
    for path in sorted(folder.glob("*.json")):
        healths.append(orjson.loads(path.read_bytes()))
        tables.append(parquet.read_table(path.with_suffix(".parquet")))
    if not tables:
        raise LoadFailed(f"{run_dir}: the generator left no log; see logs/load.log there.")
    whole = pa.concat_tables(tables).sort_by(
        [("intended_s", "ascending"), ("attempt", "ascending")]
    )
    attempt = whole["attempt"].to_numpy()
    unsent = whole["error"].to_pylist().count("unsent")
    sent = int(np.count_nonzero(attempt == 1))
    lags = whole["lag_s"].to_numpy()[attempt == 1]
    p50, p99, largest = np.percentile(lags, [50, 99, 100]).tolist() if sent else (0.0, 0.0, 0.0)
    report = LoadReport(
        planned=sent + int(np.count_nonzero(attempt == 0)),
        sent=sent,
        unsent=unsent,
        absent=int(sum(h["absent"] for h in healths)),
        attempts=int(np.count_nonzero(attempt > 0)),
        lag_p50_s=p50,
        lag_p99_s=p99,
        lag_max_s=largest,
        cpu_share=max(h["cpu_share"] for h in healths),
        stolen_share=max(h["stolen_share"] for h in healths),
        workers=len(tables),
        seconds=max(h["seconds"] for h in healths),
        # A worker that left nothing did not finish either.
        interrupted=any(h["interrupted"] for h in healths) or len(tables) < workers,
    )
    write_requests(run_dir / "requests.parquet", whole)
    fields = {name: getattr(report, name) for name in LoadReport.__slots__}
    _write(run_dir / "load.json", {"schema": "teastorm.load/1", **fields})
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    return report


def monotonic_of(unix_s: float) -> float:
    """The monotonic time at a wall-clock time; taken once, so that the wall clock may jump."""
    return time.monotonic() - (time.time() - unix_s)


def _write(path: Path, raw: object) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(orjson.dumps(raw, option=orjson.OPT_INDENT_2))
    part.replace(path)
