"""Predicted beside measured: a recorded run simulated from its own arrivals and settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from teashop.resilience.protections import Protections
from teashop.serving.settings import SettingsError
from teashop.serving.settings import load as load_settings
from teastorm.load.errors import LoadError
from teastorm.load.plan import LoadPlan
from teastorm.load.records import read_requests
from teastorm.simulate.demand import Demand
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.many import run_seeds
from teastorm.simulate.method import events_of
from teastorm.simulate.scenario import Scenario
from teastorm.simulate.settings import with_settings
from teastorm.simulate.summary import summary
from teastorm.whole_file import why

LIMITS: Mapping[str, float] = {"goodput_rps": 0.10, "p99_s": 0.25}
"""The goals: how far a prediction may be off, as a share of what was measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One figure of chat over the fault window; `error` is predicted / measured - 1."""

    name: str
    predicted: float | None
    half_width: float | None
    measured: float | None
    error: float | None
    limit: float | None

    @property
    def within(self) -> bool:
        """Whether the goal is met; figures without a goal always are."""
        if self.limit is None:
            return True
        return self.error is not None and abs(self.error) <= self.limit


def compare(run_dir: Path, seeds: Sequence[int], *, workers: int = 1) -> list[Compared]:
    """Simulate the run in `run_dir` and put each figure beside its own.

    Raises:
        ScenarioInvalid: the folder is no recorded run, or one that cannot be modelled.
    """
    scenario = scenario_of(run_dir)
    window_s, shift_s = scenario.window_s, _plan_start_s(run_dir)
    if window_s is None:
        raise ScenarioInvalid(f"{run_dir}: the run has no fault window to compare over.")
    measured = _measured(run_dir, scenario, (window_s[0] + shift_s, window_s[1] + shift_s))
    predicted = summary(run_seeds(scenario, seeds, workers=workers))
    found = []
    for name, value in measured.items():
        said = predicted[name]
        mean = said["mean"] if isinstance(said, dict) else None
        half = said["half_width"] if isinstance(said, dict) else None
        error = mean / value - 1 if mean is not None and value else None
        found.append(
            Compared(
                name=name,
                predicted=mean,
                half_width=half,
                measured=value,
                error=error,
                limit=LIMITS.get(name),
            )
        )
    return found


def scenario_of(run_dir: Path) -> Scenario:
    """The scenario of a recorded run: its very arrivals, clients, protections and settings."""
    spec, run = _json(run_dir / "load-spec.json"), _json(run_dir / "run.json")
    try:
        plan = LoadPlan.from_json(spec["plan"])
        window_s = plan.fault_window()
        replicas = {k: int(str(v)) for k, v in _object(run["replicas"]).items()}
        scenario = Scenario(
            demand=Demand.of_plan(str(run["experiment"]), plan, int(str(spec["seed"]))),
            clients=plan.clients,
            protections=load_settings(Protections, _object(run["protections"]), "protections"),
            gateways=replicas["gateway"],
            replicas=replicas["inference"],
            window_s=window_s,
            events=events_of(_activities(run_dir), window_s[0] if window_s else 0.0),
        )
        speed = {k: v for k, v in _object(run["inference"]).items() if k != "capacity_theory_rps"}
        settings: dict[str, dict[str, object]] = {
            "inference": speed,
            "orders": {"replicas": replicas["orders"]},
        }
        return with_settings(scenario, settings, f"{run_dir / 'run.json'}")
    except (KeyError, TypeError, ValueError, LoadError, SettingsError) as error:
        raise ScenarioInvalid(f"{run_dir}: is no run that can be simulated ({error}).") from error


def _measured(
    run_dir: Path, scenario: Scenario, window_s: tuple[float, float]
) -> dict[str, float | None]:
    try:
        requests = read_requests(run_dir / "requests.parquet")
    except LoadError as error:
        raise ScenarioInvalid(str(error)) from error
    intended_s = requests["intended_s"].to_numpy()
    chosen = requests["final"].to_numpy() & _is(requests["class"], "chat")
    chosen &= (intended_s >= window_s[0]) & (intended_s < window_s[1])
    latency_s = requests["ended_s"].to_numpy() - intended_s
    right = requests["right"].to_numpy() & (latency_s <= scenario.clients.deadlines_s["chat"])
    full = chosen & right & _is(requests["rung"], "full")
    short = chosen & right & _is(requests["rung"], "short")
    refused = chosen & np.isin(requests["status"].to_numpy(), (429, 503))
    front = scenario.front
    worth = full.sum() + short.sum() * front.tokens_short / front.tokens_full
    good_s = latency_s[full | short]
    return {
        "goodput_rps": float(worth) / (window_s[1] - window_s[0]),
        "refused_share": float(refused.sum()) / max(1, int(chosen.sum())),
        "p50_s": _quantile(good_s, 0.5),
        "p99_s": _quantile(good_s, 0.99),
    }


def _quantile(values: NDArray[np.float64], share: float) -> float | None:
    return float(np.quantile(values, share)) if len(values) else None


def _is(column: object, word: str) -> NDArray[np.bool_]:
    values = getattr(column, "to_pylist")()  # noqa: B009 - pyarrow is untyped
    return np.array([value == word for value in values], dtype=np.bool_)


def _plan_start_s(run_dir: Path) -> float:
    start_s = _json(run_dir / "plan.json").get("load_start_s")
    if not isinstance(start_s, int | float) or not math.isfinite(start_s):
        raise ScenarioInvalid(f"{run_dir / 'plan.json'}: load_start_s is missing.")
    return float(start_s)


def _activities(run_dir: Path) -> list[object]:
    runs = _json(run_dir / "journal.json").get("run")
    return [_object(entry).get("activity") for entry in runs] if isinstance(runs, list) else []


def _json(path: Path) -> dict[str, object]:
    try:
        return _object(orjson.loads(path.read_bytes()))
    except FileNotFoundError as error:
        raise ScenarioInvalid(
            f"{path}: no such file; name the folder of a finished run."
        ) from error
    except (OSError, TypeError, orjson.JSONDecodeError) as error:
        raise ScenarioInvalid(f"{path}: cannot be read as JSON ({why(error)}).") from error


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"an object was expected, got {type(value).__name__}")
    return value
