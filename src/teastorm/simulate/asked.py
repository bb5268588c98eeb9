"""From what a command line asks for to a scenario; every refusal is one sentence."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from teashop.resilience.protections import Protections
from teastorm.load.errors import LoadError
from teastorm.runner.problems import RunProblem, did_you_mean
from teastorm.simulate.day import FEWEST, day, of_rates, wide_enough
from teastorm.simulate.demand import Demand
from teastorm.simulate.demand_file import read_demand
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.models import InferenceModel
from teastorm.simulate.scaling import Scaling
from teastorm.simulate.scenario import Scenario
from teastorm.simulate.settings import parse_assignment, with_settings
from teastorm.whole_file import why

DAY_CURVE = Path("experiments/demand/milk-tea-day.csv")
_ORDERS = 20_000.0
_RUN = "run:"
_ROUNDING_S = 1.0
"""Lengths of a demand are made of sums; a floor may end with it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What was asked for; see `teastorm simulate --help`. Without an arm: as recorded, or all on."""

    orders: float | None = None
    hours: float | None = None
    replicas: int | None = None
    demand: str | None = None
    experiment: str | None = None
    arm: str | None = None
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    assignments: tuple[str, ...] = ()
    hpa: Path | None = None
    planned: bool = True


def scenario_of(asked: Asked) -> Scenario:
    """The scenario; ScenarioInvalid when it cannot be meant."""
    if asked.experiment is not None and asked.demand is not None:
        raise ScenarioInvalid("give one of --experiment and --demand: each names a demand")
    scenario = _base(asked)
    scenario = dataclasses.replace(scenario, protections=_protections(asked, scenario))
    settings: dict[str, dict[str, object]] = {}
    for text in asked.assignments:
        section, name, value = parse_assignment(text)
        settings.setdefault(section, {})[name] = value
    scenario = with_settings(scenario, settings, "--set")
    if asked.hpa is None:
        return scenario
    scaling = _scaling(asked.hpa)
    scenario = _scaled(scenario, scaling, asked.hpa, planned=asked.planned)
    if asked.experiment is not None or _is_run(asked):
        return scenario  # of a shop that was there, and as it was
    # The AI is what scales: the gateways are made for what it may become, not for what it was.
    scenario = dataclasses.replace(scenario, gateways=FEWEST)
    most, free = scaling.spec.max_replicas, "replicas" not in settings.get("orders", {})
    return wide_enough(scenario, most, orders=free)


def _is_run(asked: Asked) -> bool:
    return asked.demand is not None and asked.demand.startswith(_RUN)


def _scaled(scenario: Scenario, scaling: Scaling, path: Path, *, planned: bool) -> Scenario:
    """Under the HPA in a file; its Deployment has as many replicas from the start as its bounds allow."""
    if not planned:
        scaling = dataclasses.replace(scaling, planned=())
    seconds = scenario.demand.seconds
    last_s = max((each.at_s for each in scaling.planned), default=0.0)
    if last_s > seconds + _ROUNDING_S:
        raise ScenarioInvalid(
            f"{path}: its plan goes on until {last_s:g} s, and the demand ends after {seconds:g} s; "
            "simulate the demand that it was made for (--demand, --hours), or without what it "
            "plans (--no-plan)"
        )
    spec = scaling.spec
    replicas = min(max(scenario.replicas, spec.min_replicas), spec.max_replicas)
    return dataclasses.replace(scenario, scaling=scaling, replicas=replicas)


def _base(asked: Asked) -> Scenario:
    if asked.experiment is not None:
        return _of_experiment(asked.experiment, asked)
    if _is_run(asked):
        from teastorm.simulate.live import scenario_of as recorded  # noqa: PLC0415 - reads parquet

        _alone(asked, _RUN)
        return recorded(Path(str(asked.demand).removeprefix(_RUN)))
    if asked.demand is not None and asked.demand.startswith("prometheus:"):
        raise ScenarioInvalid(
            "--demand: a Prometheus is read by `teastorm tune`; here it takes a file or run:DIR"
        )
    path = Path(asked.demand) if asked.demand else DAY_CURVE
    found = read_demand(path)
    try:
        if isinstance(found, Demand):
            _alone(asked, f"rates ({path})", names=("orders", "hours"))
            return of_rates(found, replicas=asked.replicas)
        return day(
            found,
            orders=asked.orders or _ORDERS,
            seconds=None if asked.hours is None else asked.hours * 3600,
            replicas=asked.replicas,
        )
    except LoadError as error:  # a mix that nobody could have
        raise ScenarioInvalid(str(error)) from error


def _alone(
    asked: Asked, what: str, names: tuple[str, ...] = ("orders", "hours", "replicas")
) -> None:
    for name in names:
        if getattr(asked, name) is not None:
            raise ScenarioInvalid(f"--{name} does not go with {what}: its size is given already")


def _of_experiment(name: str, asked: Asked) -> Scenario:
    """The load of an experiment at the capacity that theory gives its shop."""
    from teastorm.chaos.offering import plan_of  # noqa: PLC0415 - imports Chaos Toolkit
    from teastorm.runner.catalogue import find  # noqa: PLC0415 - the same
    from teastorm.runner.experiment import read  # noqa: PLC0415 - the same
    from teastorm.runner.shop import speed_of  # noqa: PLC0415 - the same
    from teastorm.simulate.method import events_of  # noqa: PLC0415 - the same

    _alone(asked, "--experiment")
    try:
        found = read(find(name))
        speed = speed_of(found)
        plan = plan_of(found, found.load, speed.theory_rps(found.replicas["inference"]))
    except RunProblem as problem:
        raise ScenarioInvalid(problem.sentence) from problem
    except LoadError as error:
        raise ScenarioInvalid(str(error)) from error
    window_s = plan.fault_window()
    method = found.document.get("method")
    names = InferenceModel.__dataclass_fields__
    inference = {k: v for k, v in dataclasses.asdict(speed).items() if k in names}
    scenario = Scenario(
        demand=dataclasses.replace(Demand.of_plan(found.name, plan, 0), plan=None),
        clients=plan.clients,
        gateways=found.replicas["gateway"],
        replicas=found.replicas["inference"],
        window_s=window_s,
        events=events_of(
            method if isinstance(method, list) else [], window_s[0] if window_s else 0.0
        ),
    )
    settings = {"inference": inference} | {
        service: dict(fields) for service, fields in found.settings.items()
    }
    return with_settings(scenario, settings, f"{found.path}: settings")


def _protections(asked: Asked, scenario: Scenario) -> Protections:
    known = Protections.names()
    for name in (*asked.on, *asked.off):
        if name not in known:
            raise ScenarioInvalid(f"{name!r} is no protection{did_you_mean(name, known)}")
    switches = dataclasses.asdict(scenario.protections)
    if asked.arm is not None:
        switches.update(dict.fromkeys(known, asked.arm == "protected"))
    switches.update(dict.fromkeys(asked.on, True))
    switches.update(dict.fromkeys(asked.off, False))
    return Protections(**switches)


def _scaling(path: Path) -> Scaling:
    from teastorm.autoscale.chart_values import read_hpa  # noqa: PLC0415 - only for --hpa
    from teastorm.autoscale.fields import FieldError  # noqa: PLC0415 - the same
    from teastorm.simulate.hpa import scaling_of as of_manifest  # noqa: PLC0415 - the same

    try:
        manifest = read_hpa(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(f"{path}: cannot be read ({why(error)}).") from error
    except FieldError as error:
        raise ScenarioInvalid(f"{path}: {error}") from error
    try:
        return of_manifest(manifest)
    except ScenarioInvalid as error:
        raise ScenarioInvalid(f"{path}: {error}") from error
