"""The autoscaler as the simulator is told of it: the HPA's own specification and its delays."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from teastorm.autoscale.controller import HpaSpec
from teastorm.autoscale.manifest_metrics import MetricTarget
from teastorm.autoscale.planned import Planned
from teastorm.autoscale.pods import StartUp
from teastorm.simulate.errors import ScenarioInvalid

MOST_REPLICAS = 10_000
"""Of inference, that an autoscaler may want or a demand may need."""
POD_METRICS = ("in_flight", "waiting", "running", "batch_fill")
"""Pods metrics of an inference replica: sequences inside, waiting, running, running/places."""
SHOP_METRICS = ("offered_rps", "chats_in_flight", "waiting")
"""Object and external metrics: chats offered a second, chats at the gateways, chats waiting."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """One HorizontalPodAutoscaler over inference.

    Attributes:
        spec: bounds, behaviour, tolerance.
        metrics: targets, as a manifest gives them: cpu, a Pods metric of `POD_METRICS`, or an
            Object or External metric of `SHOP_METRICS`.
        start_up: the controller's flags on pods that start.
        sync_s: between two looks (the controller's default is 15 s).
        scrape_s: between two samples of the metrics, each a mean over the time since the last.
        lag_s: age a sample has reached before the autoscaler sees it.
        planned: floors set beforehand, each from its time to the next one's.
        first_sync_s: the first look; None: half a period after the load's start, since the
            controller is not in step with the metrics.
        fresh: whether a new pod's first sample goes back to its readiness, so that one scrape is
            enough; else it has a sample after two.
    """

    spec: HpaSpec
    metrics: tuple[MetricTarget, ...]
    start_up: StartUp = field(default_factory=StartUp)
    sync_s: float = 15.0
    scrape_s: float = 15.0
    lag_s: float = 5.0
    planned: tuple[Planned, ...] = ()
    first_sync_s: float | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        """Refuse metrics that the model does not have, and times that never come."""
        for name in ("sync_s", "scrape_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ScenarioInvalid(f"Scaling.{name} must be above 0, got {value:g}.")
        if not (math.isfinite(self.lag_s) and self.lag_s >= 0):
            raise ScenarioInvalid(f"Scaling.lag_s must be at least 0, got {self.lag_s:g}.")
        first_s = self.first_sync_s
        if first_s is not None and not (math.isfinite(first_s) and first_s >= 0):
            raise ScenarioInvalid(f"Scaling.first_sync_s must be at least 0, got {first_s:g}.")
        if self.spec.max_replicas > MOST_REPLICAS:
            raise ScenarioInvalid(
                f"Scaling.spec: maxReplicas must be at most {MOST_REPLICAS} to be simulated, got"
                f" {self.spec.max_replicas}; lower it."
            )
        if not self.metrics:
            raise ScenarioInvalid("Scaling.metrics must name at least one metric.")
        for metric in self.metrics:
            known = _known(metric)
            if metric.name not in known:
                raise ScenarioInvalid(
                    f"Scaling.metrics: {metric.name!r} is no {metric.function} metric of the"
                    f" model; it has {', '.join(known)}; leave it out to simulate the rest."
                )


def _known(metric: MetricTarget) -> tuple[str, ...]:
    if metric.function.value.startswith("resource"):
        return ("cpu",)
    return SHOP_METRICS if metric.counts_from_zero else POD_METRICS
