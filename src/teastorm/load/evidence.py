"""What a load leaves in its run folder: the plan at its start, the log and a report at its end.

Each process writes its part; whoever comes last joins them. One writer of a folder at a time.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa

from teastorm.load.errors import LoadFailed
from teastorm.load.records import Row, read_requests, to_table, write_requests
from teastorm.load.schedule import Schedule
from teastorm.load.spec import Spec
from teastorm.whole_file import write_whole

PARTS = "load-parts"


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
    """`plan.json`: what is offered when, in seconds from the run's t0. May raise OSError."""
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
    """One worker's share of the log, to be joined by `merge`; see `LoadReport` for the units."""
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
    """Join the workers' parts into `requests.parquet` and `load.json`; `LoadFailed` without any.

    A part whose log is missing or torn (it was fetched from a pod that went away) counts as none:
    fewer parts than `workers` make an interrupted load.
    """
    folder = run_dir / PARTS
    healths: list[Mapping[str, float]] = []
    tables = []
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(LoadFailed, ValueError):
            table = read_requests(path.with_suffix(".parquet"))
            healths.append(orjson.loads(path.read_bytes()))
            tables.append(table)
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


def _write(path: Path, raw: object) -> None:
    write_whole(path, orjson.dumps(raw, option=orjson.OPT_INDENT_2))
