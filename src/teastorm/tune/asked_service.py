"""The demand and the service that were asked for: from a file, a recorded run or a Prometheus."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from teastorm.simulate.demand import Demand
from teastorm.simulate.models import InferenceModel
from teastorm.simulate.scenario import Scenario
from teastorm.tune.calibrate import from_run
from teastorm.tune.demand import of_points, read_file
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.mapped import service_of
from teastorm.tune.mapping import read_mapping
from teastorm.tune.prometheus import SCHEME, Access, fetch, parse_place
from teastorm.tune.series import Place, Read
from teastorm.tune.service import Service

RUN = "run:"
PEAK_OVER_CAPACITY = 3.0
"""Reported of the day: capacity was a third of the peak."""
_USUAL_REPLICAS = 2


def service_asked(
    text: str,
    *,
    peak_rps: float | None = None,
    calibrate: Path | None = None,
    mapping: Path | None = None,
    access: Access,
) -> Service:
    """Demand and service; what a run does not say comes from the defaults.

    Args:
        text: the demand: a file, `run:DIR` or `prometheus:URL?query=…`.
        peak_rps: of a curve.
        calibrate: a run that the service's numbers come from.
        mapping: the file of a service that is not the shop.
        access: to a Prometheus.

    Raises:
        TuneInvalid: in one sentence; SourceUnreachable where nobody answers.
    """
    if text.startswith(RUN):
        run_dir = Path(text.removeprefix(RUN))
        if calibrate is not None or mapping is not None:
            raise TuneInvalid("--demand run:DIR calibrates from that run; drop the other one")
        return from_run(run_dir)
    if text.startswith(SCHEME):
        return _of_prometheus(text, calibrate, mapping, access)
    if mapping is not None:
        raise TuneInvalid(
            "--mapping goes with --demand prometheus:URL; its queries are asked there"
        )
    base = _calibrated(calibrate)
    usual_rps = PEAK_OVER_CAPACITY * base.replica_rps * _USUAL_REPLICAS
    return _for(base, read_file(Path(text), peak_rps=peak_rps or usual_rps))


def _calibrated(run: Path | None) -> Service:
    if run is not None:
        return from_run(Path(str(run).removeprefix(RUN)))
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


def _of_prometheus(
    text: str, calibrate: Path | None, mapping: Path | None, access: Access
) -> Service:
    mapped = None if mapping is None else read_mapping(mapping)
    rate = None if mapped is None else mapped.queries.get("rate")
    place = parse_place(text, now_s=time.time(), query=rate)
    read = fetch(place, access)
    if mapped is not None:
        return service_of(mapped, read, lambda query: _again(place, query, access))
    service = _calibrated(calibrate)
    service = _for(service, of_points(f"{place.query} at {place.shown}", list(read.points)))
    return dataclasses.replace(service, assumed=(*service.assumed, *read.told))


def _again(place: Place, query: str, access: Access) -> Read:
    return fetch(dataclasses.replace(place, query=query), access)
