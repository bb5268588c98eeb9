"""The service as the tuner takes it: how fast, how big, how slow to start, and who said so."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from teastorm.simulate.models import InferenceModel
from teastorm.simulate.scenario import Scenario
from teastorm.tune.errors import TuneInvalid

TOKENS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What a service's objects are called on its cluster.

    Attributes:
        deployment: what its HPA scales.
        in_flight, offered_rps: the metrics that an adapter serves: requests inside a pod (a Pods
            metric), requests a second that want in (an External metric); None: no such metric.
        charted: whether it is inference of charts/teashop, which Helm values can be written for.
    """

    deployment: str = "inference"
    in_flight: str | None = "teashop_in_flight"
    offered_rps: str | None = "teashop_offered_rps"
    charted: bool = True

    @property
    def known(self) -> Mapping[str, str]:
        """The names of its metrics to those of the model."""
        pairs = {"in_flight": self.in_flight, "offered_rps": self.offered_rps}
        return {name: meant for meant, name in pairs.items() if name is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A scenario without its autoscaler, and where its numbers come from.

    Attributes:
        scenario: demand, clients, protections, model of a replica; fixed replicas.
        tokens: of a full answer.
        source: `defaults`, `run …` or `mapping …`, for words.
        assumed: what was not measured, one sentence each.
        cpu_measured: whether the model's CPU is that of the shop's own replicas.
        names: for manifests.
    """

    scenario: Scenario
    tokens: int = TOKENS
    source: str = "the shop's defaults"
    assumed: tuple[str, ...] = field(default=())
    cpu_measured: bool = False
    names: Names = field(default_factory=Names)

    @property
    def model(self) -> InferenceModel:
        """One replica."""
        return self.scenario.inference

    @property
    def replica_rps(self) -> float:
        """What one replica can serve a second at a full batch."""
        return self.model.capacity_rps(1, self.tokens)

    @property
    def startup_s(self) -> float:
        """From being asked for to being ready."""
        return self.model.startup_s

    def with_model(self, **changes: float) -> Service:
        """With other numbers of a replica; TuneInvalid when none can have them."""
        try:
            model = dataclasses.replace(self.model, **changes)  # type: ignore[arg-type]  # numbers
        except ValueError as error:
            raise TuneInvalid(str(error).rstrip(".")) from error
        return dataclasses.replace(
            self, scenario=dataclasses.replace(self.scenario, inference=model)
        )

    def needed(self, rps: float) -> int:
        """Fewest replicas whose capacity is at least a rate."""
        return max(1, -int(-rps // self.replica_rps))
