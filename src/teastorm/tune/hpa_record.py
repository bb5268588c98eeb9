"""What a cluster's own HorizontalPodAutoscaler saw and did over a load.

A record holds no opinion: each look is the HPA's status, its target's wish, its pods and the
samples of the metrics API, as they were at one moment. `hpa_port` and `hpa_model` compare with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from teastorm.autoscale.manifest import Manifest, read_manifest
from teastorm.autoscale.metrics import PodValue
from teastorm.autoscale.pods import Pod, Status
from teastorm.load.plan import LoadPlan
from teastorm.simulate.models import InferenceModel
from teastorm.tune.errors import TuneInvalid


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One moment; all times are seconds from the load's start, and may be below 0.

    Attributes:
        wanted: spec.replicas of the target.
        desired, current: of the HPA's status.
        percent, average_milli: of its first metric's status; None before it has one.
        floor: spec.minReplicas of the HPA then (a campaign may raise it).
        pods: of the target, with the requests of the container in question.
        samples: by pod, as the metrics API had them.
    """

    at_s: float
    wanted: int
    desired: int
    current: int
    percent: int | None
    average_milli: int | None
    floor: int
    pods: tuple[Pod, ...]
    samples: Mapping[str, PodValue]

    @property
    def ready(self) -> int:
        """Pods that take traffic."""
        return sum(
            pod.ready is not None and pod.ready.status is Status.TRUE and not pod.deleting
            for pod in self.pods
        )

    @property
    def status(self) -> tuple[object, ...]:
        """What a sync of the HPA writes anew."""
        return (self.desired, self.current, self.percent, self.average_milli)


@dataclass(frozen=True, kw_only=True, slots=True)
class HpaRecord:
    """A load and the looks at the HPA while it lasted, in time order.

    Attributes:
        manifest, hpa: the HPA, read and as text.
        plan, seed: the load; `draw` gives its very arrivals.
        model: a replica as it was set up (its CPU is what the record is there to tell).
        replicas: of each service at the start.
        protections: switches that were set.
    """

    hpa: str
    plan: LoadPlan
    seed: int
    model: InferenceModel
    replicas: Mapping[str, int]
    looks: tuple[Look, ...]
    protections: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a record that says nothing."""
        if len(self.looks) < 2:
            raise TuneInvalid(f"the record needs at least two looks, got {len(self.looks)}")
        for before, after in zip(self.looks, self.looks[1:], strict=False):
            if not after.at_s > before.at_s:
                raise TuneInvalid(
                    f"looks: times must rise, got {after.at_s:g} s after {before.at_s:g} s"
                )

    @property
    def manifest(self) -> Manifest:
        """The HPA."""
        return read_manifest(self.hpa)

    @property
    def seconds(self) -> float:
        """Of the load."""
        return self.plan.seconds
