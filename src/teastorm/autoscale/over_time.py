"""Cases over time: recommendations, or pods and their cpu samples, through one autoscaler."""

from enum import StrEnum

from teastorm.autoscale.behaviour import ScaleEvent
from teastorm.autoscale.calculator import (
    Proposal,
    Scene,
    average_value,
    resource_utilisation,
)
from teastorm.autoscale.case_pods import read_pods, read_samples
from teastorm.autoscale.cases import read_hpa, read_start_up, tolerance_of
from teastorm.autoscale.controller import Autoscaler, Decision, Path
from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.metrics import no_metrics

type Answer = dict[str, object]


class Kind(StrEnum):
    """The metrics of cases with samples; both are of cpu."""

    UTILIZATION = "cpu_utilization"
    AVERAGE_VALUE = "cpu_average_value"


def answer_steps(case: Fields) -> Answer:
    """Recommendations in, replicas out."""
    scaler = Autoscaler(read_hpa(case))
    steps: list[Answer] = []
    for step in _steps(case):
        recommendation = step.int32("recommendation") if "recommendation" in step else None
        at_s, current = step.number("t"), step.int32("current")
        decision = scaler.decide(at_s, current, recommendation)
        told: Answer = {
            "path": decision.path,
            "desired": decision.desired,
            "stabilized": decision.stabilized,
        }
        if decision.path is Path.NORMALIZED:
            told["able_to_scale_reason"] = decision.able_to_scale_reason
        steps.append(told | _limits(decision))
    return {"steps": steps, "final_state": _memory(scaler)}


def answer_samples(case: Fields) -> Answer:
    """Pods and cpu samples in, replicas out."""
    scaler = Autoscaler(read_hpa(case))
    cpu = _Cpu(case)
    steps: list[Answer] = []
    for step in _steps(case):
        metric = cpu.read(step)
        decision = scaler.sync(step.number("t"), step.int32("current"), metric.recommend)
        steps.append(_told(decision, metric, cpu.failed_reason))
    return {"steps": steps, "final_state": _memory(scaler)}


def _steps(case: Fields) -> list[Fields]:
    steps = case.objects("steps")
    if not steps:
        raise FieldError("steps must not be empty")
    return steps


class _Cpu:
    """A case's cpu metric, and the settings that all its steps share."""

    def __init__(self, case: Fields) -> None:
        metric = case.child("metric")
        tolerance = case.child("tolerance_effective")
        self.kind = metric.one_of("kind", Kind)
        utilization = self.kind is Kind.UTILIZATION
        self.target = metric.int32("target") if utilization else metric.integer("target")
        self.container = metric.text("container", "")
        self.tolerance = tolerance_of(tolerance.number("up"), tolerance.number("down"))
        self.start_up = read_start_up(case.child("controller"))
        source = "ContainerResource" if self.container else "Resource"
        self.failed_reason = f"FailedGet{source}Metric"

    def read(self, step: Fields) -> "_CpuStep":
        """Pods and samples of one step, whose now is 0."""
        return _CpuStep(self, step)


class _CpuStep:
    """One step's metric: evaluated at most once, its proposal or error kept."""

    def __init__(self, cpu: _Cpu, step: Fields) -> None:
        self._cpu = cpu
        self._current = step.int32("current")
        self._samples = read_samples(step, cpu.container)
        self._scene = Scene(pods=read_pods(step), tolerance=cpu.tolerance, start_up=cpu.start_up)
        self._api_error = step.text("metrics_api_error") if "metrics_api_error" in step else None
        self.proposal: Proposal | None = None
        self.error: MetricError | None = None

    def recommend(self) -> int | None:
        """The proposal's replicas, or None."""
        try:
            self.proposal = self._propose()
        except MetricError as error:
            self.error = error.with_traceback(None)  # which would hold this step in a cycle
            return None
        return self.proposal.replicas

    def _propose(self) -> Proposal:
        cpu = self._cpu
        if self._api_error is not None:
            text = f"the metrics API failed: {self._api_error}"
            raise MetricError(ErrorClass.METRICS_API_ERROR, text)
        values = self._samples
        if values is None:
            raise no_metrics()
        if cpu.kind is Kind.AVERAGE_VALUE:
            return average_value(self._scene, self._current, cpu.target, values, cpu=True)
        return resource_utilisation(
            self._scene, self._current, cpu.target, values, cpu=True, container=cpu.container
        )


def _told(decision: Decision, metric: _CpuStep, failed_reason: str) -> Answer:
    proposal, error = metric.proposal, metric.error
    told: Answer = {
        "path": decision.path,
        "recommendation": None if proposal is None else max(proposal.replicas, 0),
        "utilization": None if proposal is None else proposal.utilisation_percent,
        "raw_average_milli": None if proposal is None else proposal.usage_milli,
        "error": None if error is None else {"class": error.error_class, "text": error.text},
        "desired": decision.desired,
        "able_to_scale_reason": _able(decision),
    }
    path = decision.path
    if path is Path.NORMALIZED:
        told["scaling_active_reason"] = "ValidMetricFound"
    elif path is Path.METRIC_ERROR:
        told["scaling_active_reason"] = failed_reason
    elif path is Path.DISABLED:  # the other paths leave the condition as it was
        told["scaling_active_reason"] = "ScalingDisabled"
    told.update(_limits(decision))
    return told


def _able(decision: Decision) -> str:
    if decision.desired != decision.current:
        return "SucceededRescale"
    return decision.able_to_scale_reason or "SucceededGetScale"


def _limits(decision: Decision) -> Answer:
    told: Answer = {"scaling_limited": decision.scaling_limited}
    if decision.limit_reason is not None:
        told["limit_reason"] = decision.limit_reason
    return told


def _memory(scaler: Autoscaler) -> Answer:
    return {
        "recommendations": [
            {"t": at_s, "replicas": replicas} for at_s, replicas in scaler.recommendations.items
        ],
        "scale_up_events": [_event(event) for event in scaler.events.up],
        "scale_down_events": [_event(event) for event in scaler.events.down],
    }


def _event(event: ScaleEvent) -> Answer:
    return {"t": event.at_s, "change": event.change, "outdated": event.outdated}
