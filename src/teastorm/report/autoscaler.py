"""What the cluster's autoscaler did during a run, from autoscaling.json; nothing where none ruled."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import cast

import orjson

from teastorm.platforms.kubernetes.lag import Lag, Moments, Sample, lag
from teastorm.report.tables import Table
from teastorm.report.words import figure
from teastorm.verdict import files
from teastorm.verdict.result import Result
from teastorm.verdict.run import Run

FILE = "autoscaling.json"
SCHEMA = "teastorm.autoscaling/1"

type Row = Mapping[str, object]


def samples_of(run_dir: Path, started: str) -> list[Sample]:
    """The statuses of the cluster's autoscalers, in the run's own seconds; none without the file."""
    return _read(run_dir, started)[0]


def _read(run_dir: Path, started: str) -> tuple[list[Sample], dict[str, Moments]]:
    """Statuses, and the moments of the pods by UID; nothing when the file is not whole."""
    try:
        content = orjson.loads(files.content(run_dir, FILE))
        if content["schema"] != SCHEMA:
            return [], {}
        t0_unix_s = datetime.fromisoformat(started).timestamp()
        samples = [_sample(row, t0_unix_s) for row in content["samples"]]
        moments = {str(row["uid"]): _moments(row, t0_unix_s) for row in content["pods"]}
    except (ValueError, KeyError, TypeError, OverflowError):  # RunFolderError is a ValueError
        return [], {}
    return samples, moments


def autoscaler(run_dir: Path, result: Result, run: Run) -> Table | None:
    """A row a service: the most it wanted and had, and the lag of its first scale-up, in parts."""
    samples, moments = _read(run_dir, result.started)
    if not samples:
        return None
    rows = []
    for service in sorted({sample.service for sample in samples}):
        mine = [sample for sample in samples if sample.service == service]
        found = lag(service, mine, moments, run.fault_window.start_s)
        ready = _most_ready(service, moments)
        counts = (max(s.desired for s in mine), max(s.current for s in mine), ready)
        rows.append((service, *map(str, counts), *_parts(found)))
    return Table(
        title="Autoscaler",
        note="From the HorizontalPodAutoscaler's own status and the pods' conditions. The lag runs "
        "from the fault's beginning to the first added pod that was ready.",
        columns=(
            "service",
            "desired, most",
            "current, most",
            "pods ready, in all",
            "metric s",
            "sync s",
            "schedule s",
            "start s",
            "warm-up s",
            "lag s",
        ),
        rows=tuple(rows),
    )


def _parts(found: Lag | None) -> tuple[str, ...]:
    names = [field.name for field in fields(Lag) if field.name != "service"]
    if found is None:
        return tuple(figure(None) for _ in range(len(names) + 1))
    return (*(figure(getattr(found, name)) for name in names), figure(found.total_s))


def _most_ready(service: str, moments: Mapping[str, Moments]) -> int:
    return sum(m.service == service and m.ready_s is not None for m in moments.values())


def _sample(row: Row, t0_unix_s: float) -> Sample:
    return Sample(
        at_s=float(cast("float", row["at_unix_s"])) - t0_unix_s,
        service=str(row["service"]),
        desired=int(cast("int", row["desired"])),
        current=int(cast("int", row["current"])),
        value=_number(row["value"]),
        target=_number(row["target"]),
    )


def _number(value: object) -> float | None:
    return None if value is None else float(cast("float", value))


def _moments(row: Row, t0_unix_s: float) -> Moments:
    def at_s(name: str) -> float | None:
        value = cast("float | None", row[f"{name}_unix_s"])
        return None if value is None else value - t0_unix_s

    return Moments(
        service=str(row["service"]),
        seen_s=at_s("seen") or 0.0,
        scheduled_s=at_s("scheduled"),
        started_s=at_s("started"),
        ready_s=at_s("ready"),
    )
