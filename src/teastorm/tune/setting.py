"""One autoscaler setting: what the search varies, and the HPA that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from teastorm.autoscale.behaviour import Behaviour, Policy, PolicyType, Rules
from teastorm.autoscale.controller import HpaSpec
from teastorm.autoscale.functions import Function
from teastorm.autoscale.manifest_metrics import MetricTarget
from teastorm.autoscale.planned import Planned
from teastorm.simulate.demand import Demand
from teastorm.simulate.scaling import Scaling
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.service import Service

PERIOD_S = 15
UP_PODS = 4


class Metric(StrEnum):
    """What the autoscaler follows."""

    CPU = "cpu"
    IN_FLIGHT = "in_flight"
    OFFERED = "offered_rps"


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """A point of the search space.

    Attributes:
        headroom: spare capacity over what the target allows: a target of 1 / (1 + headroom) of what
            a replica can do, whatever the metric.
        up_percent: replicas that may be added each 15 s, in percent; 4 pods are always allowed.
        up_window_s, down_window_s: stabilisation.
        down_percent: replicas that may go each 15 s, in percent.
        ahead_s: how long before the crowd passes what `min_replicas` can serve `ahead_replicas` are
            asked for, whatever the metrics say; 0: not at all.
    """

    metric: Metric = Metric.CPU
    headroom: float = 0.25
    min_replicas: int = 2
    max_replicas: int = 10
    up_percent: int = 100
    up_window_s: int = 0
    down_percent: int = 100
    down_window_s: int = 300
    ahead_s: int = 0
    ahead_replicas: int = 0

    def __post_init__(self) -> None:
        """Refuse what no HPA can be."""
        if not 1 <= self.min_replicas <= self.max_replicas:
            raise TuneInvalid("min_replicas must be from 1 to max_replicas")
        if self.headroom < 0 or self.ahead_s < 0:
            raise TuneInvalid("headroom and ahead_s must be 0 or more")

    def as_json(self) -> Mapping[str, object]:
        """Plain."""
        return asdict(self) | {"metric": self.metric.value}

    def target(self, service: Service) -> MetricTarget:
        """The metric and its target for a service."""
        share = 1 / (1 + self.headroom)
        model = service.model
        if self.metric is Metric.CPU:
            used = model.cpu_idle_milli + model.cpu_busy_milli * share
            percent = max(1, round(100 * used / model.cpu_request_milli))
            return MetricTarget(function=Function.RESOURCE_UTILIZATION, target=percent, name="cpu")
        if self.metric is Metric.IN_FLIGHT:
            milli = max(1, round(1000 * share * model.max_num_seqs))
            return MetricTarget(
                function=Function.PODS_AVERAGE_VALUE, target=milli, name="in_flight"
            )
        milli = max(1, round(1000 * share * service.replica_rps))
        return MetricTarget(
            function=Function.EXTERNAL_AVERAGE_VALUE, target=milli, name="offered_rps"
        )

    @property
    def spec(self) -> HpaSpec:
        """Bounds and behaviours."""
        up = Rules(
            policies=(
                Policy(type=PolicyType.PERCENT, value=self.up_percent, period_s=PERIOD_S),
                Policy(type=PolicyType.PODS, value=UP_PODS, period_s=PERIOD_S),
            ),
            stabilization_window_s=self.up_window_s,
        )
        down = Rules(
            policies=(Policy(type=PolicyType.PERCENT, value=self.down_percent, period_s=PERIOD_S),),
            stabilization_window_s=self.down_window_s,
        )
        return HpaSpec(
            min_replicas=self.min_replicas,
            max_replicas=self.max_replicas,
            behaviour=Behaviour(up=up, down=down),
        )

    def planned(self, service: Service, demand: Demand) -> tuple[Planned, ...]:
        """The floors set beforehand, in the demand's own seconds."""
        crowd = crowd_of(demand, service.replica_rps * self.min_replicas)
        if not self.ahead_s or self.ahead_replicas <= self.min_replicas or crowd is None:
            return ()
        return (
            Planned(at_s=max(0.0, crowd[0] - self.ahead_s), min_replicas=self.ahead_replicas),
            Planned(at_s=crowd[1], min_replicas=0),
        )

    def scaling(self, service: Service) -> Scaling:
        """The whole autoscaler, for a simulation of the service's own demand."""
        return Scaling(
            spec=self.spec,
            metrics=(self.target(service),),
            planned=self.planned(service, service.scenario.demand),
        )


def crowd_of(demand: Demand, rps: float) -> tuple[float, float] | None:
    """From when to when more than a rate comes; None if it never does."""
    above = [step for step in demand.steps if step.rps > rps]
    return (above[0].start_s, above[-1].end_s) if above else None
