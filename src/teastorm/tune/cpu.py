"""A replica's CPU as idle + busy x fill of its batch, fitted to what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teastorm.tune.errors import TuneInvalid
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.metrics import FILE, Metrics, Series, read_metrics

ENOUGH = 12
"""Samples from which two numbers can be told."""
SPREAD = 0.1
"""How far the fills have to lie apart, as shares of a batch."""
WINDOW_S = 5.0
"""A process's CPU time is counted in hundredths of a second: shorter windows are too coarse."""
SERVICE = "inference"
CPU = ("process_cpu_seconds_total",)
RUNNING = ("vllm:num_requests_running",)


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuFit:
    """Thousandths of a core; `error_milli` is the root mean square of what a sample deviates."""

    idle_milli: int
    busy_milli: int
    error_milli: float
    samples: int


def fit(rows: Sequence[tuple[float, float]]) -> CpuFit:
    """From (fill, milli) pairs by least squares, neither number below 0.

    Raises:
        TuneInvalid: too few samples, or fills that hardly differ.
    """
    if len(rows) < ENOUGH:
        raise TuneInvalid(
            f"calibration needs at least {ENOUGH} CPU samples of ready replicas, got {len(rows)}; "
            "record a longer load"
        )
    fills, millis = np.array(rows, dtype=np.float64).T
    if float(np.ptp(fills)) < SPREAD:
        raise TuneInvalid(
            "calibration needs a load that varies: the replicas' share of busy places went from "
            f"{fills.min():.0%} to {fills.max():.0%} only"
        )
    sides = np.stack([np.ones(len(fills)), fills], axis=1)
    (idle, busy), *_ = np.linalg.lstsq(sides, millis, rcond=None)
    if idle < 0:
        idle, busy = 0.0, float((millis @ fills) / (fills @ fills))
    idle, busy = float(idle), max(0.0, float(busy))
    left = millis - idle - busy * fills
    return CpuFit(
        idle_milli=round(idle),
        busy_milli=round(busy),
        error_milli=float(np.sqrt(np.mean(left**2))),
        samples=len(rows),
    )


def of_run(run_dir: Path, places: int) -> CpuFit | None:
    """From the processes' own CPU time in a run's metrics; None when it does not tell.

    Args:
        places: sequences that a replica runs at once.
    """
    if not (run_dir / FILE).is_file():
        return None
    try:
        return fit(_rows(read_metrics(run_dir), places))
    except (RunFolderError, TuneInvalid):
        return None


def _rows(metrics: Metrics, places: int) -> list[tuple[float, float]]:
    running = {series.replica: series for series in metrics.select(RUNNING, service=SERVICE)}
    rows: list[tuple[float, float]] = []
    for series in metrics.select(CPU, service=SERVICE):
        beside = running.get(series.replica)
        if beside is not None:
            rows += _windows(series, beside, places)
    return rows


def _windows(cpu: Series, running: Series, places: int) -> list[tuple[float, float]]:
    """One replica's windows. The first is left out: a process that starts is busy with itself."""
    edges = np.arange(cpu.t_s[0] + WINDOW_S, cpu.t_s[-1] + 1e-9, WINDOW_S)
    if len(edges) < 2:
        return []
    used = np.diff(cpu.counted_at(edges)) / WINDOW_S
    rows = []
    for start_s, milli in zip(edges[:-1], 1000 * used, strict=True):
        inside = (running.t_s >= start_s) & (running.t_s < start_s + WINDOW_S)
        if inside.any():
            rows.append((float(running.value[inside].mean()) / places, float(milli)))
    return rows
