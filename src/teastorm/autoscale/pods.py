"""Pods as the autoscaler sees them: which count, and what they ask for.

Source: groupPods and calculateRequests in Kubernetes 1.34's replica_calculator.go.
"""

from collections.abc import Container as Collection
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.gomath import wrap64
from teastorm.autoscale.metrics import PodValue


class Phase(StrEnum):
    """status.phase."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


class Status(StrEnum):
    """A condition's status."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Ready(NamedTuple):
    """The Ready condition; the time is on the caller's clock."""

    status: Status
    last_transition_s: float


class Container(NamedTuple):
    """A container's request for the resource in question; None: it asks for nothing by name."""

    name: str
    request_milli: int | None = None


class Pod(NamedTuple):
    """One pod that the selector matches; times are on the caller's clock, in seconds.

    `containers` holds what runs beside each other: init containers only if they restart always.
    Plain tuples, these three: a replay makes tens of thousands of them a second.
    """

    name: str
    phase: Phase = Phase.RUNNING
    deleting: bool = False
    start_s: float | None = None
    ready: Ready | None = None
    containers: tuple[Container, ...] = ()
    pod_level_request_milli: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartUp:
    """The controller's two start-up flags, in seconds (its defaults: 5 minutes, 30 s)."""

    cpu_initialization_period_s: float = 300
    initial_readiness_delay_s: float = 30

    def __post_init__(self) -> None:
        if self.cpu_initialization_period_s < 0 or self.initial_readiness_delay_s < 0:
            raise ValueError("the start-up periods must not be negative")


class Groups(NamedTuple):
    """How many pods are ready; the names of the others, in the order of the list."""

    ready: int
    unready: list[str]
    missing: list[str]
    ignored: list[str]


def group_pods(
    pods: Iterable[Pod],
    values: Mapping[str, PodValue],
    *,
    cpu: bool,
    start_up: StartUp,
    now_s: float,
) -> Groups:
    """Put each pod into the first class that fits; `cpu` turns the look at readiness on."""
    ready = 0
    unready: list[str] = []
    missing: list[str] = []
    ignored: list[str] = []
    for name, phase, deleting, start_s, condition, _, _ in pods:
        if deleting or phase is Phase.FAILED:
            ignored.append(name)
        elif phase is Phase.PENDING:
            unready.append(name)
        elif (value := values.get(name)) is None:
            missing.append(name)
        elif cpu and not _is_ready(condition, start_s, value, start_up, now_s):
            unready.append(name)
        else:
            ready += 1
    return Groups(ready, unready, missing, ignored)


def _is_ready(
    condition: Ready | None,
    start_s: float | None,
    value: PodValue,
    start_up: StartUp,
    now_s: float,
) -> bool:
    if condition is None or start_s is None:
        return False
    is_false = condition.status is Status.FALSE
    if start_s + start_up.cpu_initialization_period_s > now_s:
        # The sample counts once a whole window was collected since the pod changed its mind.
        whole_window_s = condition.last_transition_s + value.window_s
        return not is_false and value.timestamp_s >= whole_window_s
    never_ready = start_s + start_up.initial_readiness_delay_s > condition.last_transition_s
    return not (is_false and never_ready)


def requests(pods: Iterable[Pod], container: str) -> dict[str, int]:
    """Milli requests by pod, of one container if named; MetricError if one has none."""
    asked: dict[str, int] = {}
    for name, _, _, _, _, containers, level in pods:
        if level is not None and not container:
            asked[name] = level
            continue
        total = 0
        for each, milli in containers:
            if container and each != container:
                continue
            if milli is None:
                text = f"missing request in container {each} of Pod {name}"
                raise MetricError(ErrorClass.MISSING_REQUEST, text)
            total += milli
        asked[name] = wrap64(total)
    return asked


def ready_and_running(pods: Sequence[Pod]) -> int:
    """Pods that run and are Ready (deleting ones too); MetricError if there is no pod at all."""
    if not pods:
        raise no_pods()
    return sum(
        pod.phase is Phase.RUNNING and pod.ready is not None and pod.ready.status is Status.TRUE
        for pod in pods
    )


def no_pods() -> MetricError:
    """The selector matches nothing."""
    return MetricError(
        ErrorClass.NO_PODS, "no pods returned by selector while calculating replica count"
    )


def without[V](values: Mapping[str, V], names: Collection[str]) -> dict[str, V]:
    """The values of the pods not named."""
    return {name: value for name, value in values.items() if name not in names}
