"""How many replicas a metric of each pod asks for, as Kubernetes 1.34's ReplicaCalculator has it.

The operations and their order are the original's (replica_calculator.go): what is rounded when
decides between n and n + 1 replicas. All values are in thousandths, utilisation is in percent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.gomath import ceil32, quotient, wrap64
from teastorm.autoscale.metrics import PodValue, usage, utilisation
from teastorm.autoscale.pods import (
    Groups,
    Pod,
    StartUp,
    group_pods,
    no_pods,
    requests,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far the ratio may be from 1 without a change, in each direction."""

    up: float = 0.1
    down: float = 0.1

    def __post_init__(self) -> None:
        if not (self.up >= 0 and self.down >= 0):
            raise ValueError(f"a tolerance must be 0 or more, got up {self.up}, down {self.down}")

    def holds(self, ratio: float) -> bool:
        """Whether the ratio is close enough to 1; NaN is not."""
        return (1.0 - self.down) <= ratio <= (1.0 + self.up)


DEFAULT_TOLERANCE = Tolerance()
DEFAULT_START_UP = StartUp()


class Proposal(NamedTuple):
    """What one metric asks for. Usage is None where Go divided by zero replicas."""

    replicas: int
    usage_milli: int | None
    utilisation_percent: int | None = None
    groups: Groups | None = None


class Scene(NamedTuple):
    """What all metrics of one sync share. `now_s` and the pods' times are on one clock."""

    pods: Sequence[Pod]
    tolerance: Tolerance = DEFAULT_TOLERANCE
    start_up: StartUp = DEFAULT_START_UP
    now_s: float = 0


def resource_utilisation(
    scene: Scene,
    current: int,
    target_percent: int,
    values: Mapping[str, PodValue],
    *,
    cpu: bool,
    container: str = "",
) -> Proposal:
    """Resource and ContainerResource metrics with averageUtilization; MetricError."""
    groups, counted = _sampled(scene, values, cpu=cpu)
    asked = requests(scene.pods, container)
    first = utilisation(counted, asked, target_percent)
    # A pod without a sample is taken for one that uses all it asked for (or the target above).
    fallback = max(100, target_percent)

    def assumed(name: str) -> int:
        return quotient(wrap64(asked[name] * fallback), 100)

    def again(filled: Mapping[str, int]) -> float:
        return utilisation(filled, asked, target_percent).ratio

    return Proposal(
        replicas=_replicas(scene, current, groups, counted, first.ratio, assumed, again),
        usage_milli=first.raw_average_milli,
        utilisation_percent=first.percent,
        groups=groups,
    )


def average_value(
    scene: Scene,
    current: int,
    target_milli: int,
    values: Mapping[str, PodValue],
    *,
    cpu: bool = False,
) -> Proposal:
    """Pods metrics, and Resource metrics with averageValue (`cpu`: of cpu); MetricError."""
    groups, counted = _sampled(scene, values, cpu=cpu)
    first, average = usage(counted, target_milli)

    def assumed(_name: str) -> int:
        return target_milli

    def again(filled: Mapping[str, int]) -> float:
        return usage(filled, target_milli)[0]

    replicas = _replicas(scene, current, groups, counted, first, assumed, again)
    return Proposal(replicas=replicas, usage_milli=average, groups=groups)


def _sampled(
    scene: Scene, values: Mapping[str, PodValue], *, cpu: bool
) -> tuple[Groups, dict[str, int]]:
    """Group the pods; keep the samples of ready and of unknown ones."""
    if not scene.pods:
        raise no_pods()
    groups = group_pods(scene.pods, values, cpu=cpu, start_up=scene.start_up, now_s=scene.now_s)
    counted = {name: value.value_milli for name, value in values.items()}
    for name in groups.ignored:
        counted.pop(name, None)
    for name in groups.unready:
        counted.pop(name, None)
    if not counted:
        text = "did not receive metrics for targeted pods (pods might be unready)"
        raise MetricError(ErrorClass.NO_READY_METRICS, text)
    return groups, counted


def _replicas(
    scene: Scene,
    current: int,
    groups: Groups,
    counted: dict[str, int],
    first: float,
    assumed: Callable[[str], int],
    again: Callable[[Mapping[str, int]], float],
) -> int:
    """From the first ratio to replicas; what has no sample is filled in against the change."""
    up_with_unready = bool(groups.unready) and first > 1.0
    if not up_with_unready and not groups.missing:
        return current if scene.tolerance.holds(first) else ceil32(first * groups.ready)
    if first < 1.0:
        counted.update((name, assumed(name)) for name in groups.missing)
    elif first > 1.0:
        counted.update(dict.fromkeys(groups.missing, 0))
    if up_with_unready:
        counted.update(dict.fromkeys(groups.unready, 0))
    second = again(counted)
    turned = (first < 1.0 < second) or (second < 1.0 < first)
    if turned or scene.tolerance.holds(second):
        return current
    wanted = ceil32(second * len(counted))
    if (second < 1.0 and wanted > current) or (second > 1.0 and wanted < current):
        return current
    return wanted
