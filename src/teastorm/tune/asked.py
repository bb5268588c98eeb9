"""From what a command line asks for to a wish; every refusal is one sentence."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path

from teashop.resilience.protections import Protections
from teastorm.autoscale.chart_values import read_hpa
from teastorm.autoscale.fields import FieldError
from teastorm.autoscale.manifest import Manifest
from teastorm.simulate.day import wide_enough
from teastorm.simulate.scaling import MOST_REPLICAS
from teastorm.tune.asked_service import service_asked
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.prometheus import Access
from teastorm.tune.service import Service
from teastorm.tune.session import Wish
from teastorm.tune.setting import Metric
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space
from teastorm.whole_file import why


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
    service = service_asked(
        asked.demand,
        peak_rps=asked.peak_rps,
        calibrate=asked.calibrate,
        mapping=asked.mapping,
        access=asked.access,
    )
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
            f"--demand: its peak of {service.scenario.demand.peak_rps:g}/s wants {most:.6g} "
            f"replicas, {MOST_REPLICAS} is the most; lower it (--peak-rps) or say --max-replicas"
        )
    space = Space(
        metrics=_metrics(asked, service),
        fewest=asked.min_replicas,
        most=max(most, asked.min_replicas),
        planned=asked.planned,
    )
    return Wish(
        # This tunes the AI: the shop around it never decides.
        service=dataclasses.replace(service, scenario=wide_enough(service.scenario, space.most)),
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


def _manifest(path: Path) -> Manifest:
    try:
        return read_hpa(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise TuneInvalid(f"{path}: cannot be read ({why(error)})") from error
    except FieldError as error:
        raise TuneInvalid(f"{path}: {error}") from error
