"""The lines of case files (shared/hpa-cases) as typed structures, one a family.

msgspec checks kinds and ranges while it decodes, and names the place of what is wrong. Keys that no
structure has are passed over. A key of null is one that is not there; so is an absent optional key.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from teastorm.autoscale.functions import Function, Resource
from teastorm.autoscale.gomath import INT32_MAX, INT32_MIN
from teastorm.autoscale.metrics import Int64, Sample
from teastorm.autoscale.pods import Pod

type Int32 = Annotated[int, Meta(ge=INT32_MIN, le=INT32_MAX)]
type NotNegative = Annotated[float, Meta(ge=0)]
type Moment = int | float  # told again as it was given
type Behaviour = dict[str, object]  # read as a manifest's is


class Metric(Struct, gc=False, kw_only=True):
    """One metric; which of its fields are needed depends on the function."""

    function: Function
    target: Int64
    resource: Resource | None = None
    container: str | None = None
    pod_metrics: list[Sample] | None = None
    metric_value_milli: Int64 | None = None
    metric_values_milli: list[Int64] | None = None
    metrics_api_error: str | None = None


class Tolerances(Struct, gc=False):
    """One in each direction."""

    up: NotNegative
    down: NotNegative


class OneCall(Metric, gc=False, kw_only=True):
    """Family A: a metric at a moment."""

    id: str
    current_replicas: Int32
    tolerance: Tolerances
    cpu_initialization_period_s: NotNegative
    initial_readiness_delay_s: NotNegative
    pods: list[Pod] | None = None


class SeveralMetrics(Struct, gc=False, kw_only=True):
    """Family D: several metrics at a moment."""

    id: str
    function: None = None
    metrics: Annotated[list[Metric], Meta(min_length=1)]
    spec_replicas: Int32
    status_replicas: Int32
    tolerance: NotNegative
    cpu_initialization_period_s: NotNegative
    initial_readiness_delay_s: NotNegative
    pods: list[Pod] | None = None


class Hpa(Struct, gc=False, kw_only=True, rename="camel"):
    """The part of an HPA's spec that cases over time hold, in its own spelling."""

    min_replicas: Annotated[int, Meta(ge=0, le=INT32_MAX)] | None = None
    max_replicas: Annotated[int, Meta(ge=1, le=INT32_MAX)]
    behavior: Behaviour | None = None


class Controller(Struct, gc=False, kw_only=True):
    """What recommendations over time need of the controller."""

    downscale_stabilization_s: NotNegative


class CpuController(Controller, gc=False, kw_only=True):
    """What samples over time need besides."""

    cpu_initialization_period_s: NotNegative
    initial_readiness_delay_s: NotNegative


class RecommendationStep(Struct, gc=False):
    """A sync whose metrics gave `recommendation`; None: they failed."""

    t: Moment
    current: Int32
    recommendation: Int32 | None = None


class RecommendationSteps(Struct, gc=False, kw_only=True):
    """Family B: recommendations over time."""

    id: str
    function: None = None
    metrics: None = None
    metric: None = None
    hpa: Hpa
    behavior_effective: Behaviour | None = None
    controller: Controller
    steps: Annotated[list[RecommendationStep], Meta(min_length=1)]


class Kind(StrEnum):
    """The metrics of cases with samples; both are of cpu."""

    UTILIZATION = "cpu_utilization"
    AVERAGE_VALUE = "cpu_average_value"


class CpuMetric(Struct, gc=False):
    """The metric of a case with samples."""

    kind: Kind
    target: Int64
    container: str | None = None


class SampleStep(Struct, gc=False):
    """A sync with what it saw; the times of pods and samples are relative to it."""

    t: Moment
    current: Int32
    pods: list[Pod] | None = None
    pod_metrics: list[Sample] | None = None
    metrics_api_error: str | None = None


class SampleSteps(Struct, gc=False, kw_only=True):
    """Family C: pods and samples over time."""

    id: str
    function: None = None
    metrics: None = None
    metric: CpuMetric
    hpa: Hpa
    behavior_effective: Behaviour | None = None
    tolerance_effective: Tolerances
    controller: CpuController
    steps: Annotated[list[SampleStep], Meta(min_length=1)]


type Case = OneCall | SeveralMetrics | SampleSteps | RecommendationSteps
