"""Case files (shared/hpa-cases) answered line by line: one answer a line, in the order of the file.

A line's family shows in its keys: `function` is one calculator call, `metrics` several metrics at
one moment, `metric` samples over time, otherwise recommendations over time.
"""

from collections.abc import Iterable, Iterator

from teastorm.autoscale.calculator import Proposal, Scene
from teastorm.autoscale.case_decode import CaseReader, NotJson
from teastorm.autoscale.case_lines import Case, Metric, OneCall, SampleSteps, SeveralMetrics
from teastorm.autoscale.case_metric import check, propose
from teastorm.autoscale.cases import start_up_of, tolerance_of
from teastorm.autoscale.controller import combine
from teastorm.autoscale.errors import MetricError
from teastorm.autoscale.over_time import answer_samples, answer_steps

type Answer = dict[str, object]


class LineError(ValueError):
    """A line that is no case; the sentence names its number."""


def replay(lines: Iterable[bytes]) -> Iterator[tuple[bytes, Answer]]:
    """Each line with its answer; LineError at the first malformed line, counted from 1."""
    reader = CaseReader()
    for number, line in enumerate(lines, start=1):
        try:
            yield line, answer(reader.read(line))
        except NotJson as error:
            raise LineError(f"line {number} is not JSON ({error})") from error
        except ValueError as error:
            raise LineError(f"line {number}: {error}") from error


def answer(case: Case) -> Answer:
    """One case's answer; FieldError if a field is missing that the case's metric needs."""
    if isinstance(case, OneCall):
        return {"id": case.id, **_one_call(case)}
    if isinstance(case, SeveralMetrics):
        return {"id": case.id, **_several_metrics(case)}
    if isinstance(case, SampleSteps):
        return {"id": case.id, **answer_samples(case)}
    return {"id": case.id, **answer_steps(case)}


def _one_call(case: OneCall) -> Answer:
    check(case)
    current, tolerance = case.current_replicas, case.tolerance
    scene = Scene(
        pods=case.pods or (),
        tolerance=tolerance_of(tolerance.up, tolerance.down),
        start_up=start_up_of(case.cpu_initialization_period_s, case.initial_readiness_delay_s),
    )
    try:
        proposal = propose(case, scene, current)
    except MetricError as error:
        why = {"class": error.error_class, "text": error.text}
        return {"direction": "error", "replicas": None, "error": why}
    return {
        "direction": _direction(current, proposal.replicas),
        "replicas": proposal.replicas,
        **_usage(proposal),
        "error": None,
        **_groups(proposal),
    }


def _direction(current: int, replicas: int) -> str:
    if replicas == current:
        return "hold"
    return "up" if replicas > current else "down"


def _usage(proposal: Proposal) -> Answer:
    if proposal.utilisation_percent is not None:
        return {
            "utilization": proposal.utilisation_percent,
            "raw_average_milli": proposal.usage_milli,
        }
    if proposal.usage_milli is None:
        return {"usage_milli": None, "usage_undefined": True}
    return {"usage_milli": proposal.usage_milli}


def _groups(proposal: Proposal) -> Answer:
    groups = proposal.groups
    if groups is None:
        return {}
    names = {"unready": groups.unready, "missing": groups.missing, "ignored": groups.ignored}
    return {"ready_pods": groups.ready} | {key: each for key, each in names.items() if each}


def _several_metrics(case: SeveralMetrics) -> Answer:
    for index, metric in enumerate(case.metrics):
        check(metric, f"metrics[{index}].")
    scene = Scene(
        pods=case.pods or (),
        tolerance=tolerance_of(case.tolerance, case.tolerance),
        start_up=start_up_of(case.cpu_initialization_period_s, case.initial_readiness_delay_s),
    )
    spec = case.spec_replicas
    proposals: list[int | None] = []
    errors: list[str | None] = []
    for metric in case.metrics:
        try:
            current = case.status_replicas if metric.function.counts_status else spec
            proposals.append(propose(metric, scene, current).replicas)
            errors.append(None)
        except MetricError as error:
            proposals.append(None)
            errors.append(error.error_class)
    combined = combine(proposals, spec)
    wanted = combined.recommendation
    reason = "ValidMetricFound"
    if wanted is None and combined.first_failed is not None:
        reason = _failed_reason(case.metrics[combined.first_failed])
    return {
        "direction": "error" if wanted is None else _direction(spec, wanted),
        "proposals": proposals,
        "proposal_errors": errors,
        "usable": wanted is not None,
        "recommendation": wanted,
        "scaling_active_reason": reason,
    }


def _failed_reason(metric: Metric) -> str:
    source = metric.function.partition("_")[0].title()
    if source == "Resource" and metric.container:
        source = "ContainerResource"
    return f"FailedGet{source}Metric"
