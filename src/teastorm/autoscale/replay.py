"""Case files (shared/hpa-cases) answered line by line: one answer a line, in the order of the file.

A line's family shows in its keys: `function` is one calculator call, `metrics` several metrics at
one moment, `metric` samples over time, otherwise recommendations over time.
"""

from collections.abc import Iterable, Iterator, Mapping

import orjson

from teastorm.autoscale.calculator import Proposal, Scene
from teastorm.autoscale.case_pods import read_pods
from teastorm.autoscale.cases import read_start_up, tolerance_of
from teastorm.autoscale.controller import combine
from teastorm.autoscale.errors import MetricError
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.functions import Function, propose
from teastorm.autoscale.over_time import answer_samples, answer_steps

type Answer = dict[str, object]


class LineError(ValueError):
    """A line that is no case; the sentence names its number."""


def replay(lines: Iterable[bytes]) -> Iterator[tuple[Mapping[str, object], Answer]]:
    """Each case with its answer; LineError at the first malformed line, counted from 1."""
    for number, line in enumerate(lines, start=1):
        try:
            case = Fields.of(orjson.loads(line))
            yield case.content, answer(case)
        except orjson.JSONDecodeError as error:
            raise LineError(f"line {number} is not JSON ({error.msg})") from error
        except ValueError as error:
            raise LineError(f"line {number}: {error}") from error


def answer(case: Fields) -> Answer:
    """One case's answer; FieldError or ValueError if it is malformed."""
    head: Answer = {"id": case.text("id")}
    if "function" in case:
        return head | _one_call(case)
    if "metrics" in case:
        return head | _several_metrics(case)
    return head | (answer_samples(case) if "metric" in case else answer_steps(case))


def _one_call(case: Fields) -> Answer:
    function = case.one_of("function", Function)
    tolerance = case.child("tolerance")
    scene = Scene(
        pods=read_pods(case),
        tolerance=tolerance_of(tolerance.number("up"), tolerance.number("down")),
        start_up=read_start_up(case),
    )
    current = case.int32("current_replicas")
    try:
        proposal = propose(case, function, scene, current)
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


def _several_metrics(case: Fields) -> Answer:
    both = case.number("tolerance")
    scene = Scene(
        pods=read_pods(case),
        tolerance=tolerance_of(both, both),
        start_up=read_start_up(case),
    )
    spec, status = case.int32("spec_replicas"), case.int32("status_replicas")
    metrics = case.objects("metrics")
    if not metrics:
        raise FieldError("metrics must not be empty")
    proposals: list[int | None] = []
    errors: list[str | None] = []
    for metric in metrics:
        function = metric.one_of("function", Function)
        try:
            current = status if function.counts_status else spec
            proposals.append(propose(metric, function, scene, current).replicas)
            errors.append(None)
        except MetricError as error:
            proposals.append(None)
            errors.append(error.error_class)
    combined = combine(proposals, spec)
    wanted = combined.recommendation
    reason = "ValidMetricFound"
    if wanted is None and combined.first_failed is not None:
        reason = _failed_reason(metrics[combined.first_failed])
    return {
        "direction": "error" if wanted is None else _direction(spec, wanted),
        "proposals": proposals,
        "proposal_errors": errors,
        "usable": wanted is not None,
        "recommendation": wanted,
        "scaling_active_reason": reason,
    }


def _failed_reason(metric: Fields) -> str:
    source = metric.text("function").partition("_")[0].title()
    if source == "Resource" and metric.text("container", ""):
        source = "ContainerResource"
    return f"FailedGet{source}Metric"
