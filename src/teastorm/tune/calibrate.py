"""The numbers of a service from a recorded run: capacity, speed of a replica, start-up."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from pathlib import Path

import orjson

from teastorm.simulate.demand import Step
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.live import scenario_of
from teastorm.simulate.scenario import Scenario
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.service import Service


def from_run(run_dir: Path, *, stretched: bool = True) -> Service:
    """The service and demand of a run folder; TuneInvalid when it is none.

    A run that compressed its day (`time_factor`) is stretched again: periods and start-up as they
    would be on a cluster, rates as they were.
    """
    try:
        scenario = scenario_of(run_dir)
    except ScenarioInvalid as error:
        raise TuneInvalid(str(error).rstrip(".")) from error
    run = _json(run_dir / "run.json")
    factor = _number(run.get("time_factor"), 1.0) if stretched else 1.0
    tokens = scenario.front.tokens_full
    service = Service(
        scenario=_stretched(scenario, factor), tokens=tokens, source=f"run {run_dir.name}"
    )
    assumed: list[str] = []
    service = at_measured_capacity(service, run)
    service = _with_start_up(service, run_dir, factor, assumed)
    assumed.append(
        "CPU of a replica: "
        f"{service.model.cpu_idle_milli}m idle and {service.model.cpu_busy_milli}m more when full, "
        f"of a request of {service.model.cpu_request_milli}m (not measured)"
    )
    return dataclasses.replace(service, assumed=tuple(assumed))


def _stretched(scenario: Scenario, factor: float) -> Scenario:
    demand = scenario.demand
    steps = tuple(Step(a * factor, b * factor, rps) for a, b, rps in demand.steps)
    return dataclasses.replace(
        scenario,
        demand=dataclasses.replace(demand, steps=steps, plan=None),
        events=(),
        window_s=None,
        scaling=None,
    )


def at_measured_capacity(service: Service, run: Mapping[str, object]) -> Service:
    """Speeds of a replica scaled so that its capacity is the one that run.json measured."""
    capacity, replicas = _mapping(run.get("capacity")), _mapping(run.get("replicas"))
    measured = _number(capacity.get("rps"), 0.0) / max(1.0, _number(replicas.get("inference"), 1))
    if not measured > 0:
        return service
    slower = service.replica_rps / measured
    return service.with_model(
        ttft_s=service.model.ttft_s * slower, itl_s=service.model.itl_s * slower
    )


def _with_start_up(service: Service, run_dir: Path, factor: float, assumed: list[str]) -> Service:
    events = _list(run_dir / "events.json")
    came = [
        _number(lag.get("start_s"), 0.0) + _number(lag.get("warm_up_s"), 0.0)
        for row in events
        if row.get("kind") == "scaled_out" and (lag := _mapping(row.get("lag")))
    ]
    if came:
        return service.with_model(startup_s=statistics.median(came) * factor)
    begun = {
        str(row.get("replica")): _number(row.get("t_s"), 0.0)
        for row in events
        if row.get("kind") == "replica_started" and row.get("service") == "inference"
    }
    warm = [
        _number(row.get("t_s"), 0.0) - begun[str(row.get("replica"))]
        for row in events
        if row.get("kind") == "replica_ready" and str(row.get("replica")) in begun
    ]
    if warm:
        found_s = statistics.median(warm) * factor
        assumed.append(
            f"start-up: {found_s:.0f} s, from a process's begin to readiness only; add the time "
            "for a node and an image with --startup-s"
        )
        return service.with_model(startup_s=found_s)
    assumed.append(f"start-up: {service.startup_s:g} s (no replica started in the run)")
    return service


def _json(path: Path) -> dict[str, object]:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise TuneInvalid(f"{path}: cannot be read; name the folder of a finished run") from error
    return content if isinstance(content, dict) else {}


def _list(path: Path) -> list[dict[str, object]]:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return []
    rows = content if isinstance(content, list) else []
    return [row for row in rows if isinstance(row, dict)]


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _number(value: object, usual: float) -> float:
    return float(value) if isinstance(value, int | float) else usual
