"""Pods as the autoscaler sees them: which count, and what they ask for.

Source: groupPods and calculateRequests in Kubernetes 1.34's replica_calculator.go.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.gomath import wrap64
from teastorm.autoscale.metrics import Int64, PodValue


class Phase(StrEnum):
    """status.phase."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


_FAILED, _PENDING = Phase.FAILED, Phase.PENDING


class Status(StrEnum):
    """A condition's status."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Ready(Struct, frozen=True, gc=False):
    """The Ready condition; the time is on the caller's clock."""

    status: Status
    last_transition_s: float


class Container(Struct, frozen=True, gc=False):
    """A container's request for the resource in question; None: it asks for nothing by name."""

    name: str
    request_milli: Int64 | None = None


class InitContainer(Container, frozen=True, gc=False):
    """One that runs before the others; beside them if it restarts always (a sidecar)."""

    restart_always: bool | None = False


class Pod(Struct, frozen=True, gc=False):
    """One pod that the selector matches; times are on the caller's clock, in seconds.

    None is whatever is not set. msgspec decodes files of pods straight into these three: a replay
    makes tens of thousands of them a second.
    """

    name: Annotated[str, Meta(min_length=1)]
    phase: Phase
    deleting: bool | None = False
    start_s: float | None = None
    ready: Ready | None = None
    containers: tuple[Container, ...] | None = ()
    pod_level_request_milli: Int64 | None = None
    init_containers: tuple[InitContainer, ...] | None = ()


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
    for pod in pods:
        name, phase = pod.name, pod.phase
        if pod.deleting or phase is _FAILED:
            ignored.append(name)
        elif phase is _PENDING:
            unready.append(name)
        elif (value := values.get(name)) is None:
            missing.append(name)
        elif cpu and not _is_ready(pod.ready, pod.start_s, value, start_up, now_s):
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
    for pod in pods:
        level = pod.pod_level_request_milli
        if level is not None and not container:
            asked[pod.name] = level
            continue
        total = 0
        for each in pod.containers or ():
            if not container or each.name == container:
                milli = each.request_milli
                if milli is None:
                    raise _no_request(pod, each)
                total += milli
        for beside in pod.init_containers or ():
            if beside.restart_always and (not container or beside.name == container):
                if beside.request_milli is None:
                    raise _no_request(pod, beside)
                total += beside.request_milli
        asked[pod.name] = wrap64(total)
    return asked


def _no_request(pod: Pod, container: Container) -> MetricError:
    text = f"missing request in container {container.name} of Pod {pod.name}"
    return MetricError(ErrorClass.MISSING_REQUEST, text)


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
