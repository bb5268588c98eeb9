"""The bulky part of the case files: pods and their samples, read in one pass.

Nearly all of a file is pods, so each is first read by plain look-ups that accept only what needs
no second thought. Whatever they do not accept is read again field by field, with the full set of
rules, which either finds it right after all or names the field that is wrong.
"""

from collections.abc import Callable

from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.gomath import INT64_MAX, INT64_MIN
from teastorm.autoscale.metrics import PodValue, ResourceSample, Usage
from teastorm.autoscale.pods import Container, Phase, Pod, Ready, Status

_PHASES: dict[object, Phase] = {phase.value: phase for phase in Phase}
_STATUSES: dict[object, Status] = {status.value: status for status in Status}
_NUMBERS = (int, float)
_tuple = tuple.__new__  # a named tuple without its keyword handling: a third of the time


def read_pods(case: Fields) -> list[Pod]:
    """The pods of a case or of a step; their times are relative to its now."""
    return _read(case, "pods", _quick_pod, _pod)


def read_samples(case: Fields) -> list[ResourceSample]:
    """`pod_metrics` of a resource metric."""
    return _read(case, "pod_metrics", _quick_sample, _sample)


def read_values(case: Fields) -> dict[str, PodValue]:
    """`pod_metrics` of a pods metric; of two samples of one pod the last counts."""
    return {
        each.text("pod"): PodValue(
            each.integer("value_milli"), each.number("timestamp_s"), each.number("window_s")
        )
        for each in case.objects("pod_metrics")
    }


def _read[T](
    case: Fields,
    key: str,
    quick: Callable[[dict[str, object]], T | None],
    slow: Callable[[Fields], T],
) -> list[T]:
    found: list[T] = []
    for index, raw in enumerate(case.items(key)):
        one = quick(raw) if type(raw) is dict else None
        if one is None:
            one = slow(Fields.of(raw, f"{case.path(key)}[{index}]"))
        found.append(one)
    return found


def _quick_pod(raw: dict[str, object]) -> Pod | None:
    """The usual pod; None if there is anything to look at twice."""
    get = raw.get
    name, phase, start_s = get("name"), get("phase"), get("start_s")
    deleting, condition, level = get("deleting"), get("ready"), get("pod_level_request_milli")
    if (
        type(name) is not str
        or not name
        or type(phase) is not str
        or (deleting is not False and deleting is not True and deleting is not None)
        or (start_s is not None and type(start_s) not in _NUMBERS)
        or (level is not None and not _is_int64(level))
        or get("init_containers")
    ):
        return None
    ready = None
    if condition is not None:
        ready = _quick_ready(condition)
        if ready is None:
            return None
    containers = _quick_containers(get("containers"))
    known = _PHASES.get(phase)
    if known is None or containers is None:
        return None
    return _tuple(Pod, (name, known, deleting is True, start_s, ready, containers, level))


def _quick_ready(raw: object) -> Ready | None:
    if type(raw) is not dict:
        return None
    status, changed_s = raw.get("status"), raw.get("last_transition_s")
    if type(status) is not str or type(changed_s) not in _NUMBERS:
        return None
    known = _STATUSES.get(status)
    return None if known is None else _tuple(Ready, (known, changed_s))


def _quick_containers(raw: object) -> tuple[Container, ...] | None:
    pairs = _pairs(raw, "request_milli")
    return None if pairs is None else tuple([_tuple(Container, pair) for pair in pairs])


def _quick_sample(raw: dict[str, object]) -> ResourceSample | None:
    get = raw.get
    pod, at_s, window_s = get("pod"), get("timestamp_s"), get("window_s")
    pairs = _pairs(get("containers"), "usage_milli")
    if (
        pairs is None
        or type(pod) is not str
        or type(at_s) not in _NUMBERS
        or type(window_s) not in _NUMBERS
    ):
        return None
    usages = tuple([_tuple(Usage, pair) for pair in pairs])
    return _tuple(ResourceSample, (pod, at_s, window_s, usages))


def _pairs(raw: object, key: str) -> list[tuple[str, int | None]] | None:
    """Name and whole number (or null) of each container."""
    if raw is None:
        return []
    if type(raw) is not list:
        return None
    pairs: list[tuple[str, int | None]] = []
    for each in raw:
        if type(each) is not dict:
            return None
        name, milli = each.get("name"), each.get(key)
        if type(name) is not str:
            return None
        if milli is not None and not _is_int64(milli):
            return None
        pairs.append((name, milli))
    return pairs


def _is_int64(value: object) -> bool:
    return type(value) is int and INT64_MIN <= value <= INT64_MAX


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


def _sample(fields: Fields) -> ResourceSample:
    return ResourceSample(
        pod=fields.text("pod"),
        timestamp_s=fields.number("timestamp_s"),
        window_s=fields.number("window_s"),
        usages=tuple(
            Usage(one.text("name"), one.optional_integer("usage_milli"))
            for one in fields.objects("containers")
        ),
    )
