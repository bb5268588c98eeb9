"""From what a command line asks for to a wish; every refusal is one sentence."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from teashop.resilience.protections import Protections
from teastorm.autoscale.fields import FieldError
from teastorm.autoscale.manifest import Manifest, read_manifest
from teastorm.simulate.demand import Demand
from teastorm.simulate.scenario import InferenceModel, Scenario
from teastorm.tune.calibrate import from_run
from teastorm.tune.demand import of_points, read_file
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.mapping import read_mapping, service_of
from teastorm.tune.prometheus import SCHEME, Access, fetch, parse_place
from teastorm.tune.series import Place, Read
from teastorm.tune.service import Service
from teastorm.tune.session import Wish
from teastorm.tune.setting import Metric
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space
from teastorm.whole_file import why

RUN = "run:"
PEAK_OVER_CAPACITY = 3.0
"""Reported of the day: capacity was a third of the peak."""
MOST_REPLICAS = 10_000
_USUAL_REPLICAS = 2
_PER_GATEWAY = 20
"""Chats in flight that a gateway's adaptive limit lets through at ease."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What was asked for; see `teastorm tune --help`."""

    demand: str
    slo: str
    peak_rps: float | None = None
    calibrate: Path | None = None
    mapping: Path | None = None
    access: Access = field(default_factory=Access)
    now: Path | None = None
    metrics: tuple[str, ...] = ()
    min_replicas: int = 1
    max_replicas: int | None = None
    startup_s: float | None = None
    planned: bool = True
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    trials: int = 60
    search_seeds: int = 1
    seeds: int = 5
    seed: int = 1
    time_factor: float | None = None
    workers: int = 1
    storage: str | None = None
    study: str = "teastorm-tune"


def wish_of(asked: Asked) -> Wish:
    """The wish; TuneInvalid (or SourceUnreachable) in one sentence otherwise."""
    slo = Slo.parse(asked.slo)
    service = _service(asked)
    if asked.startup_s is not None:
        service = dataclasses.replace(
            service.with_model(startup_s=asked.startup_s),
            assumed=tuple(a for a in service.assumed if not a.startswith("start-up: ")),
        )
    service = _switched(service, asked)
    most = asked.max_replicas
    if most is None:
        most = math.ceil(1.5 * service.needed(service.scenario.demand.peak_rps))
    if most > MOST_REPLICAS:
        raise TuneInvalid(
            f"--demand: its peak of {service.scenario.demand.peak_rps:g}/s wants {most} replicas, "
            f"{MOST_REPLICAS} is the most; lower it (--peak-rps) or say --max-replicas"
        )
    space = Space(
        metrics=_metrics(asked, service),
        fewest=asked.min_replicas,
        most=max(most, asked.min_replicas),
        planned=asked.planned,
    )
    return Wish(
        service=_wide_enough(service, space.most),
        slo=slo,
        space=space,
        trials=asked.trials,
        search_seeds=asked.search_seeds,
        seeds=asked.seeds,
        seed=asked.seed,
        factor=asked.time_factor,
        workers=asked.workers,
        storage=asked.storage,
        study=asked.study,
        now=None if asked.now is None else _manifest(asked.now),
    )


def _metrics(asked: Asked, service: Service) -> tuple[Metric, ...]:
    """What may be followed: what was asked for, of what the service has."""
    there = (Metric.CPU, *(Metric(meant) for meant in service.names.known.values()))
    wanted = tuple(Metric(name) for name in asked.metrics)
    for metric in wanted:
        if metric not in there:
            raise TuneInvalid(
                f"--metric: {asked.mapping} names no metric for {metric.value}; add "
                f"hpa_metrics.{metric.value}"
            )
    return wanted or there


def _service(asked: Asked) -> Service:
    """Demand and service; what a run does not say comes from the defaults."""
    text = asked.demand
    if text.startswith(RUN):
        run_dir = Path(text.removeprefix(RUN))
        if asked.calibrate is not None or asked.mapping is not None:
            raise TuneInvalid("--demand run:DIR calibrates from that run; drop the other one")
        return from_run(run_dir)
    if text.startswith(SCHEME):
        return _of_prometheus(asked)
    if asked.mapping is not None:
        raise TuneInvalid(
            "--mapping goes with --demand prometheus:URL; its queries are asked there"
        )
    base = _calibrated(asked)
    peak_rps = asked.peak_rps or PEAK_OVER_CAPACITY * base.replica_rps * _USUAL_REPLICAS
    return _for(base, read_file(Path(text), peak_rps=peak_rps))


def _calibrated(asked: Asked) -> Service:
    if asked.calibrate is not None:
        return from_run(Path(str(asked.calibrate).removeprefix(RUN)))
    model = InferenceModel(startup_s=60.0)
    scenario = Scenario(demand=Demand.constant(1.0, 60.0), inference=model)
    return Service(
        scenario=scenario,
        assumed=(
            "speeds, batch and CPU of a replica: the shop's defaults (see --calibrate)",
            "start-up: 60 s (say another with --startup-s)",
        ),
    )


def _for(service: Service, demand: Demand) -> Service:
    mix = service.scenario.demand.mix
    demand = dataclasses.replace(demand, mix=mix)
    return dataclasses.replace(
        service, scenario=dataclasses.replace(service.scenario, demand=demand)
    )


def _of_prometheus(asked: Asked) -> Service:
    mapped = None if asked.mapping is None else read_mapping(asked.mapping)
    rate = None if mapped is None else mapped.queries.get("rate")
    place = parse_place(asked.demand, now_s=time.time(), query=rate)
    read = fetch(place, asked.access)
    if mapped is not None:
        return service_of(mapped, read, lambda query: _again(place, query, asked.access))
    service = _calibrated(asked)
    service = _for(service, of_points(f"{place.query} at {place.shown}", list(read.points)))
    return dataclasses.replace(service, assumed=(*service.assumed, *read.told))


def _again(place: Place, query: str, access: Access) -> Read:
    return fetch(dataclasses.replace(place, query=query), access)


def _switched(service: Service, asked: Asked) -> Service:
    known = Protections.names()
    for name in (*asked.on, *asked.off):
        if name not in known:
            raise TuneInvalid(f"{name!r} is no protection; known: {', '.join(known)}")
    changes = dict.fromkeys(asked.on, True) | dict.fromkeys(asked.off, False)
    scenario = service.scenario
    switched = dataclasses.replace(scenario.protections, **changes)
    return dataclasses.replace(
        service, scenario=dataclasses.replace(scenario, protections=switched)
    )


def _wide_enough(service: Service, most: int) -> Service:
    """Enough gateways and orders replicas that they never decide: this tunes the AI."""
    scenario = service.scenario
    places = most * service.model.max_num_seqs
    gateways = max(scenario.gateways, math.ceil(places / _PER_GATEWAY))
    orders = dataclasses.replace(
        scenario.orders, replicas=max(scenario.orders.replicas, gateways // 2)
    )
    return dataclasses.replace(
        service, scenario=dataclasses.replace(scenario, gateways=gateways, orders=orders)
    )


def _manifest(path: Path) -> Manifest:
    try:
        return read_manifest(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TuneInvalid(f"{path}: cannot be read ({why(error)})") from error
    except FieldError as error:
        raise TuneInvalid(f"{path}: {error}") from error
