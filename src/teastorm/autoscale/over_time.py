"""Cases over time: recommendations, or pods and their cpu samples, through one autoscaler."""

from teastorm.autoscale.behaviour import ScaleEvent
from teastorm.autoscale.calculator import (
    Proposal,
    Scene,
    average_value,
    resource_utilisation,
)
from teastorm.autoscale.case_lines import Kind, RecommendationSteps, SampleStep, SampleSteps
from teastorm.autoscale.case_metric import api_failed, check_percent
from teastorm.autoscale.cases import hpa_of, start_up_of, tolerance_of
from teastorm.autoscale.controller import Autoscaler, Decision, Path
from teastorm.autoscale.errors import MetricError
from teastorm.autoscale.metrics import no_metrics, resource_values

type Answer = dict[str, object]


def answer_steps(case: RecommendationSteps) -> Answer:
    """Recommendations in, replicas out."""
    window_s = case.controller.downscale_stabilization_s
    scaler = Autoscaler(hpa_of(case.hpa, case.behavior_effective, window_s))
    steps: list[Answer] = []
    for step in case.steps:
        decision = scaler.decide(step.t, step.current, step.recommendation)
        told: Answer = {
            "path": decision.path,
            "desired": decision.desired,
            "stabilized": decision.stabilized,
        }
        if decision.path is Path.NORMALIZED:
            told["able_to_scale_reason"] = decision.able_to_scale_reason
        steps.append(told | _limits(decision))
    return {"steps": steps, "final_state": _memory(scaler)}


def answer_samples(case: SampleSteps) -> Answer:
    """Pods and cpu samples in, replicas out."""
    window_s = case.controller.downscale_stabilization_s
    scaler = Autoscaler(hpa_of(case.hpa, case.behavior_effective, window_s))
    cpu = _Cpu(case)
    steps: list[Answer] = []
    for step in case.steps:
        metric = _CpuStep(cpu, step)
        decision = scaler.sync(step.t, step.current, metric.recommend)
        steps.append(_told(decision, metric, cpu.failed_reason))
    return {"steps": steps, "final_state": _memory(scaler)}


class _Cpu:
    """A case's cpu metric, and the settings that all its steps share."""

    def __init__(self, case: SampleSteps) -> None:
        metric, tolerance, controller = case.metric, case.tolerance_effective, case.controller
        self.utilization = metric.kind is Kind.UTILIZATION
        if self.utilization:
            check_percent(metric.target, "metric.")
        self.target = metric.target
        self.container = metric.container or ""
        self.tolerance = tolerance_of(tolerance.up, tolerance.down)
        self.start_up = start_up_of(
            controller.cpu_initialization_period_s, controller.initial_readiness_delay_s
        )
        source = "ContainerResource" if self.container else "Resource"
        self.failed_reason = f"FailedGet{source}Metric"


class _CpuStep:
    """One step's metric: evaluated at most once, its proposal or error kept."""

    def __init__(self, cpu: _Cpu, step: SampleStep) -> None:
        self._cpu = cpu
        self._step = step
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
        cpu, step = self._cpu, self._step
        if step.metrics_api_error is not None:
            raise api_failed(step.metrics_api_error)
        if not step.pod_metrics:
            raise no_metrics()
        values = resource_values(step.pod_metrics, cpu.container)
        scene = Scene(pods=step.pods or (), tolerance=cpu.tolerance, start_up=cpu.start_up)
        if cpu.utilization:
            return resource_utilisation(
                scene, step.current, cpu.target, values, cpu=True, container=cpu.container
            )
        return average_value(scene, step.current, cpu.target, values, cpu=True)


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
