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
from teastorm.tune.cpu import of_run
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
    service = with_cpu(service, run_dir, run, assumed)
    return dataclasses.replace(service, assumed=tuple(assumed))


def with_cpu(
    service: Service, run_dir: Path, run: Mapping[str, object], assumed: list[str]
) -> Service:
    """The CPU of a replica as the run's own processes used it, if its metrics tell.

    The request is the one that the run's autoscaler measured against; without an autoscaler a full
    replica is taken to use all that it asks for.
    """
    model = service.model
    found = of_run(run_dir, model.max_num_seqs)
    if found is None or not found.busy_milli:
        assumed.append(
            f"CPU of a replica: {model.cpu_idle_milli}m idle and {model.cpu_busy_milli}m more when "
            f"full, of a request of {model.cpu_request_milli}m (not measured)"
        )
        return service
    full = max(1, found.idle_milli + found.busy_milli)
    asked = _number(_mapping(run.get("autoscaler")).get("request_milli"), 0.0)
    words = "" if asked else " (a request of just that is assumed)"
    assumed.append(
        f"CPU of a replica: {found.idle_milli}m idle and {found.busy_milli}m more when full, ± "
        f"{found.error_milli:.0f}m, from {found.samples} samples of the run{words}"
    )
    changed = service.with_model(
        cpu_idle_milli=found.idle_milli,
        cpu_busy_milli=found.busy_milli,
        cpu_request_milli=round(asked) or full,
    )
    return dataclasses.replace(changed, cpu_measured=True)


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
