"""A choice that ran on the live platform: predicted beside measured.

The prediction simulates that very run: its arrivals, its capacity, its settings. The port decided
in both, so what differs is the model's error.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from teastorm.autoscale.fields import FieldError
from teastorm.autoscale.manifest import read_manifest
from teastorm.autoscale.planned import Planned
from teastorm.runner.opening import HPA_FILE
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.hpa import scaling_of
from teastorm.simulate.live import scenario_of
from teastorm.simulate.run import simulate
from teastorm.simulate.scenario import Scenario
from teastorm.simulate.summary import mean_of
from teastorm.tune.calibrate import at_measured_capacity, with_cpu
from teastorm.tune.compress import faster
from teastorm.tune.curve import stepped
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.score import Figure
from teastorm.tune.service import Service
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.folder import read_run
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """One figure: predicted (mean, half of the 95 % interval) and measured."""

    name: str
    unit: str
    predicted: Figure | None
    measured: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """Predicted beside measured. `within_one` is the share of seconds with curves that close.

    `t_s`, `predicted` (mean over seeds) and `measured` are ready replicas over the load.
    """

    figures: tuple[Beside, ...]
    within_one: float
    t_s: tuple[float, ...]
    predicted: tuple[float, ...]
    measured: tuple[float, ...]

    def as_json(self) -> dict[str, object]:
        """Plain."""
        return dataclasses.asdict(self)


def compare(run_dir: Path, seeds: Sequence[int]) -> Verified:
    """Simulate a run that had a live autoscaler, and put each figure beside its own.

    Raises:
        TuneInvalid: the folder is no such run.
    """
    try:
        run = read_run(run_dir)
        scenario = _scenario(run_dir)
    except (RunFolderError, ScenarioInvalid) as error:
        raise TuneInvalid(str(error).rstrip(".")) from error
    results = [simulate(scenario, seed) for seed in seeds]
    window = run.load_window
    at_s = np.arange(0.0, window.end_s - window.start_s, 1.0)
    measured = run.inference_replicas(at_s + window.start_s)
    curves = [stepped([(r.at_s, float(r.ready)) for r in one.replicas], at_s) for one in results]
    predicted = np.mean(curves, axis=0)
    chats = run.requests.of(CHAT)
    lost = chats & ~run.requests.good
    p99_s = np.quantile(run.requests.latency_s[chats & run.requests.good], 0.99)
    changes = [e for e in run.events if e.kind == "autoscale"]
    figures = (
        beside("misses", "share", [r.slo_misses / r.classes["chat"].offered for r in results],
                float(lost.sum()) / max(1, int(chats.sum()))),
        beside("p99 of good answers", "s", [r.p99_s for r in results if r.p99_s], float(p99_s)),
        beside("ready pod-seconds", "s", [float(c.sum()) for c in curves], float(measured.sum())),
        beside("changes", "", [float(r.changes) for r in results],
                float(sum(e.details["current"] != e.details["desired"] for e in changes))),
        *_lags(run, scenario),
    )  # fmt: skip
    return Verified(
        figures=figures,
        within_one=float(np.mean(np.abs(predicted - measured) <= 1.0)),
        t_s=tuple(map(float, at_s)),
        predicted=tuple(map(float, predicted)),
        measured=tuple(map(float, measured)),
    )


def _scenario(run_dir: Path) -> Scenario:
    """The run's own scenario with its autoscaler, in the run's own (compressed) seconds."""
    about = orjson.loads((run_dir / "run.json").read_bytes())
    scaler = about.get("autoscaler")
    if not isinstance(scaler, dict) or not (run_dir / HPA_FILE).is_file():
        raise TuneInvalid(f"{run_dir}: had no live autoscaler (autoscaler: in its experiment)")
    factor = float(about.get("time_factor", 1.0))
    scenario = scenario_of(run_dir)
    began_s = scenario.window_s[0] if scenario.window_s else 0.0
    try:
        scaling = scaling_of(read_manifest((run_dir / HPA_FILE).read_text(encoding="utf-8")))
    except FieldError as error:
        raise TuneInvalid(f"{run_dir / HPA_FILE}: {error}") from error
    scaling = dataclasses.replace(
        scaling,
        sync_s=float(scaler["sync_s"]),
        scrape_s=float(scaler["scrape_s"]),
        lag_s=float(scaler["delay_s"]),
        planned=tuple(
            Planned(at_s=began_s * factor + float(p["at_s"]), min_replicas=int(p["min_replicas"]))
            for p in scaler.get("planned", [])
        ),
    )
    service = at_measured_capacity(
        Service(scenario=scenario, tokens=scenario.front.tokens_full), about
    )
    # What a replica of this very run used; the request is the run's own.
    service = with_cpu(service, run_dir, about, [])
    starts = [sum(lag[k] for k in ("start_s", "warm_up_s")) for lag in lags_of(run_dir)]
    if starts:
        service = service.with_model(startup_s=statistics.median(starts))
    return dataclasses.replace(
        service.scenario, scaling=faster(scaling, factor), events=(), window_s=None
    )


def lags_of(run_dir: Path) -> list[dict[str, float]]:
    """The lag of each replica that the autoscaler brought, by part."""
    rows = orjson.loads((run_dir / "events.json").read_bytes())
    return [row["lag"] for row in rows if row.get("kind") == "scaled_out"]


def _lags(run: Run, scenario: Scenario) -> list[Beside]:
    """Means of the parts; predicted by the periods alone."""
    rows = [e.details["lag"] for e in run.events if e.kind == "scaled_out"]
    scaling = scenario.scaling
    if scaling is None:
        return []
    expected = {
        "metric_s": scaling.scrape_s / 2 + scaling.lag_s,
        "sync_s": scaling.sync_s / 2,
        "hold_s": None,
        "start_s": None,
        "warm_up_s": None,
    }
    found = []
    for name, value in expected.items():
        parts = [
            float(part)
            for row in rows
            if isinstance(row, dict) and isinstance(part := row.get(name), int | float)
        ]
        found.append(
            Beside(
                name=f"lag: {name.removesuffix('_s').replace('_', ' ')}",
                unit="s",
                predicted=None if value is None else Figure(mean=value, half_width=None),
                measured=statistics.fmean(parts) if parts else None,
            )
        )
    return found


def beside(name: str, unit: str, values: Sequence[float], measured: float) -> Beside:
    """The mean over seeds with its interval, beside what was measured."""
    if not values:
        return Beside(name=name, unit=unit, predicted=None, measured=measured)
    found = mean_of(values)
    mean = found["mean"]
    return Beside(
        name=name,
        unit=unit,
        predicted=None if mean is None else Figure(mean=mean, half_width=found["half_width"]),
        measured=measured,
    )
