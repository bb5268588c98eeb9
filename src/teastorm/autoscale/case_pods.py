"""The bulky part of the case files: pods and their samples, read in one pass.

Nearly all of a file is pods, so each is first read by plain look-ups that accept only what needs
no second thought. What they do not accept is read again field by field, with the full set of
rules, which either finds it right after all or names the field that is wrong.
"""

from typing import Any, NamedTuple

from teastorm.autoscale.errors import MetricError
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.gomath import INT64_MAX, INT64_MIN
from teastorm.autoscale.metrics import PodValue, Usage, no_metrics, sample_value
from teastorm.autoscale.pods import Container, Phase, Pod, Ready, Status

_PHASES: dict[object, Phase] = {phase.value: phase for phase in Phase}
_STATUSES: dict[object, Status] = {status.value: status for status in Status}
_tuple = tuple.__new__  # a named tuple without its keyword handling: a third of the time

_USUAL_KEYS = 6
_MOST_KNOWN = 4096
_KNOWN: dict[tuple[tuple[str, int | None], ...], tuple[Container, ...]] = {}
"""Pods of a workload ask for the same, case after case: their containers are made once."""

# A look-up that fails in one of these ways is no verdict yet.
_UNUSUAL = (LookupError, TypeError, ValueError)


def read_pods(case: Fields) -> list[Pod]:
    """The pods of a case or of a step; their times are relative to its now."""
    pods: list[Pod] = []
    for index, raw in enumerate(case.items("pods")):
        try:
            pods.append(_quick_pod(raw))
        except _UNUSUAL:
            pods.append(_pod(Fields.of(raw, f"{case.path('pods')}[{index}]")))
    return pods


def read_samples(case: Fields, container: str) -> dict[str, PodValue] | None:
    """`pod_metrics` of a resource metric: of one container, or of all ("") added up.

    A value for every pod whose sample is whole; None if there is no sample at all.
    """
    values: dict[str, PodValue] = {}
    raws = case.items("pod_metrics")
    for index, raw in enumerate(raws):
        try:
            pod, at_s, window_s, usages = _quick_sample(raw)
        except _UNUSUAL:
            pod, at_s, window_s, usages = _sample(
                Fields.of(raw, f"{case.path('pod_metrics')}[{index}]")
            )
        milli = sample_value(usages, container)
        if milli is not None:
            values[pod] = _tuple(PodValue, (milli, at_s, window_s))
    return values if raws else None


def read_values(case: Fields) -> dict[str, PodValue]:
    """`pod_metrics` of a pods metric; of two samples of one pod the last counts."""
    return {
        each.text("pod"): PodValue(
            each.integer("value_milli"), each.number("timestamp_s"), each.number("window_s")
        )
        for each in case.objects("pod_metrics")
    }


def _quick_pod(raw: Any) -> Pod:
    name, start_s, condition, deleting = raw["name"], raw["start_s"], raw["ready"], raw["deleting"]
    if type(name) is not str or not name or (deleting is not False and deleting is not True):
        raise TypeError
    if start_s is not None and type(start_s) is not int and type(start_s) is not float:
        raise TypeError
    ready = None if condition is None else _quick_ready(condition)
    level = None
    if len(raw) > _USUAL_KEYS:
        if raw.get("init_containers") is not None:
            raise TypeError
        level = raw.get("pod_level_request_milli")
        if level is not None and (type(level) is not int or not INT64_MIN <= level <= INT64_MAX):
            raise TypeError
    containers = _quick_containers(raw["containers"])
    phase = _PHASES[raw["phase"]]
    return _tuple(Pod, (name, phase, deleting, start_s, ready, containers, level))


def _quick_containers(listed: Any) -> tuple[Container, ...]:
    if type(listed) is not list:
        raise TypeError
    asked = []
    for each in listed:
        container, milli = each["name"], each["request_milli"]
        if type(container) is not str:
            raise TypeError
        if milli is not None and (type(milli) is not int or not INT64_MIN <= milli <= INT64_MAX):
            raise TypeError
        asked.append((container, milli))
    key = tuple(asked)
    known = _KNOWN.get(key)
    if known is None:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        known = _KNOWN[key] = tuple([_tuple(Container, pair) for pair in asked])
    return known


def _quick_ready(raw: Any) -> Ready:
    changed_s = raw["last_transition_s"]
    if type(changed_s) is not int and type(changed_s) is not float:
        raise TypeError
    return _tuple(Ready, (_STATUSES[raw["status"]], changed_s))


type _Sample = tuple[str, float, float, list[Usage]]


def _quick_sample(raw: Any) -> _Sample:
    pod, at_s, window_s = raw["pod"], raw["timestamp_s"], raw["window_s"]
    listed = raw["containers"]
    if type(pod) is not str or type(listed) is not list:
        raise TypeError
    if type(at_s) is not int and type(at_s) is not float:
        raise TypeError
    if type(window_s) is not int and type(window_s) is not float:
        raise TypeError
    usages: list[Usage] = []
    for each in listed:
        container, milli = each["name"], each["usage_milli"]
        if type(container) is not str:
            raise TypeError
        if milli is not None and (type(milli) is not int or not INT64_MIN <= milli <= INT64_MAX):
            raise TypeError
        usages.append((container, milli))
    return pod, at_s, window_s, usages


def _pod(fields: Fields) -> Pod:
    name = fields.text("name")
    if not name:
        raise FieldError(f"{fields.path('name')} must not be empty")
    ready = None
    if "ready" in fields:
        condition = fields.child("ready")
        ready = Ready(
            status=condition.one_of("status", Status),
            last_transition_s=condition.number("last_transition_s"),
        )
    beside = [each for each in fields.objects("init_containers") if each.flag("restart_always")]
    return Pod(
        name=name,
        phase=fields.one_of("phase", Phase),
        deleting=fields.flag("deleting"),
        start_s=fields.number("start_s") if "start_s" in fields else None,
        ready=ready,
        containers=tuple(
            Container(name=each.text("name"), request_milli=each.optional_integer("request_milli"))
            for each in (*fields.objects("containers"), *beside)
        ),
        pod_level_request_milli=fields.optional_integer("pod_level_request_milli"),
    )


def _sample(fields: Fields) -> _Sample:
    return (
        fields.text("pod"),
        fields.number("timestamp_s"),
        fields.number("window_s"),
        [
            (one.text("name"), one.optional_integer("usage_milli"))
            for one in fields.objects("containers")
        ],
    )
