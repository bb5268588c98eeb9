"""The simulator's replica curve beside the one that a cluster's HPA made of the same arrivals."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from teashop.resilience.protections import Protections
from teastorm.autoscale.planned import Planned
from teastorm.simulate.demand import Demand
from teastorm.simulate.result import Result
from teastorm.simulate.run import simulate
from teastorm.simulate.scaling import Scaling
from teastorm.simulate.scenario import Scenario
from teastorm.tune.curve import Closeness, Curve, closeness, stepped
from teastorm.tune.hpa_calibrate import Calibrated, calibrate
from teastorm.tune.hpa_port import SYNC_S, PortCheck, check_port
from teastorm.tune.hpa_record import HpaRecord

DISCOVERY_S = 3.0
"""Names are looked up each second, and CoreDNS keeps an answer for up to five."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HpaCheck:
    """Predicted beside measured, over the load, a value each second.

    Attributes:
        ready, wanted: how close the curves of ready and of wanted replicas are.
        changes: of the wanted number: (predicted mean, measured).
        port: the port alone, on what the controller saw.
        calibrated: the numbers that the prediction used.
        own: whether they are from this very record.
    """

    ready: Closeness
    wanted: Closeness
    changes: tuple[float, int]
    port: PortCheck
    calibrated: Calibrated
    own: bool
    t_s: tuple[float, ...]
    predicted: tuple[float, ...]
    measured: tuple[float, ...]
    offered_rps: tuple[float, ...]

    @property
    def met(self) -> bool:
        """The goal for the curve of ready replicas, and every known decision alike."""
        return self.ready.met and self.port.equal == self.port.known

    def as_json(self) -> dict[str, object]:
        """Plain."""
        return {
            "ready": self.ready.as_json(),
            "wanted": self.wanted.as_json(),
            "changes": {"predicted": self.changes[0], "measured": self.changes[1]},
            "port": self.port.as_json(),
            "calibrated": dataclasses.asdict(self.calibrated),
            "calibrated_on_itself": self.own,
            "met": self.met,
            "curve": {
                "t_s": list(self.t_s),
                "predicted": list(self.predicted),
                "measured": list(self.measured),
                "offered_rps": list(self.offered_rps),
            },
        }


def scenario_of(record: HpaRecord, calibrated: Calibrated) -> Scenario:
    """The record's own arrivals, clients and shop, under the record's own HPA.

    How the controller is in step with the samples is luck (a sample that comes just after a look
    waits a whole period); the prediction takes the middle of it.
    """
    manifest = record.manifest
    at_start = _wanted(record, np.array([0.0]))
    return Scenario(
        demand=Demand.of_plan("the recorded load", record.plan, record.seed),
        clients=record.plan.clients,
        protections=dataclasses.replace(Protections(), **dict(record.protections)),
        inference=calibrated.model(record.model),
        gateways=record.replicas.get("gateway", 1),
        replicas=int(at_start[0]),
        discovery_s=DISCOVERY_S,
        scaling=Scaling(
            spec=manifest.spec,
            metrics=manifest.metrics,
            sync_s=SYNC_S,
            scrape_s=calibrated.scrape_s,
            lag_s=calibrated.lag_s,
            first_sync_s=calibrated.lag_s + calibrated.scrape_s / 2,
            fresh=calibrated.fresh,
            planned=_floors(record),
        ),
    )


def _floors(record: HpaRecord) -> tuple[Planned, ...]:
    """The HPA's minReplicas as it was raised and put back while the load ran."""
    return tuple(
        Planned(at_s=max(0.0, after.at_s), min_replicas=after.floor)
        for before, after in itertools.pairwise(record.looks)
        if after.floor != before.floor
    )


def check_hpa(
    record: HpaRecord, seeds: Sequence[int], calibration: HpaRecord | None = None
) -> HpaCheck:
    """Simulate the record's load and put the curves beside each other.

    Args:
        calibration: another record to take the numbers from; None: this one, which then says how
            well the model fits, not how well it predicts.

    Raises:
        TuneInvalid: a record from which nothing can be calibrated.
        ScenarioInvalid: one that cannot be modelled.
    """
    calibrated = calibrate(record if calibration is None else calibration)
    scenario = scenario_of(record, calibrated)
    results = [simulate(scenario, seed) for seed in seeds]
    end_s = min(record.seconds, record.looks[-1].at_s)
    at_s = np.arange(0.0, end_s, 1.0)
    measured = stepped([(look.at_s, float(look.ready)) for look in record.looks], at_s)
    wanted = _wanted(record, at_s)
    ready_curves = [_of(result, at_s, ready=True) for result in results]
    wanted_curves = [_of(result, at_s, ready=False) for result in results]
    changed = int(np.count_nonzero(np.diff(wanted)))
    steps = scenario.demand.steps
    return HpaCheck(
        ready=closeness(ready_curves, measured),
        wanted=closeness(wanted_curves, wanted),
        changes=(float(np.mean([result.changes for result in results])), changed),
        port=check_port(record),
        calibrated=calibrated,
        own=calibration is None,
        t_s=tuple(map(float, at_s)),
        predicted=tuple(map(float, np.mean(ready_curves, axis=0))),
        measured=tuple(map(float, measured)),
        offered_rps=tuple(map(float, stepped([(s.start_s, s.rps) for s in steps], at_s))),
    )


def _wanted(record: HpaRecord, at_s: Curve) -> Curve:
    return stepped([(look.at_s, float(look.wanted)) for look in record.looks], at_s)


def _of(result: Result, at_s: Curve, *, ready: bool) -> Curve:
    """A result's curve at some times."""
    # Of several changes at one moment the last holds, as `stepped` takes it.
    return stepped([(r.at_s, float(r.ready if ready else r.wanted)) for r in result.replicas], at_s)
