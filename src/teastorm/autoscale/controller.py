"""The autoscaler itself: one sync at a time, with its memory of recommendations and scale events.

Source: reconcileAutoscaler and the normalisation in Kubernetes 1.34's horizontal.go. Nothing here
reads a clock; `now_s` has to grow from sync to sync.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from teastorm.autoscale.behaviour import Behaviour, Events, down_limit, up_limit
from teastorm.autoscale.calculator import Tolerance
from teastorm.autoscale.errors import MetricError
from teastorm.autoscale.gomath import INT32_MAX, int32
from teastorm.autoscale.stabilise import Recommendations


class Path(StrEnum):
    """Which way a sync took."""

    DISABLED = "disabled"
    ABOVE_MAX = "above_max"
    BELOW_MIN = "below_min"
    METRIC_ERROR = "metric_error"
    NORMALIZED = "normalized"


@dataclass(frozen=True, slots=True, kw_only=True)
class HpaSpec:
    """Bounds and behaviour. A behaviour of None is the older way, with the controller's window."""

    min_replicas: int = 1
    max_replicas: int
    behaviour: Behaviour | None = None
    downscale_stabilization_s: float = 300
    tolerance: float = 0.1
    configurable_tolerance: bool = False

    def __post_init__(self) -> None:
        if self.min_replicas < 0 or not 0 < self.max_replicas <= INT32_MAX:
            raise ValueError("minReplicas must be 0 or more, maxReplicas a positive int32")
        if self.downscale_stabilization_s < 0:
            raise ValueError("the downscale stabilisation must not be negative")

    def tolerances(self) -> Tolerance:
        """The controller's; a behaviour's own count only with the feature gate on."""
        up = down = self.tolerance
        if self.behaviour is not None and self.configurable_tolerance:
            own_up, own_down = self.behaviour.up.tolerance, self.behaviour.down.tolerance
            up = up if own_up is None else own_up
            down = down if own_down is None else own_down
        return Tolerance(up=up, down=down)


class Decision(NamedTuple):
    """What a sync decided. The last four are None unless the path is normalized."""

    path: Path
    current: int
    desired: int
    stabilized: int | None = None
    able_to_scale_reason: str | None = None
    scaling_limited: bool | None = None
    limit_reason: str | None = None


class Combined(NamedTuple):
    """The proposals of several metrics made one: None if too many failed to go by the rest."""

    recommendation: int | None
    first_failed: int | None


def combine(proposals: Sequence[int | None], spec_replicas: int) -> Combined:
    """The highest proposal; None (failed) ones are passed over, but forbid scaling down."""
    best = 0
    failed = 0
    first_failed = None
    for index, proposal in enumerate(proposals):
        if proposal is None:
            failed += 1
            first_failed = index if first_failed is None else first_failed
        elif best == 0 or proposal > best:
            best = proposal
    if failed >= len(proposals) or (failed and best < spec_replicas):
        return Combined(recommendation=None, first_failed=first_failed)
    return Combined(recommendation=max(best, 0), first_failed=first_failed)


class Autoscaler:
    """One HorizontalPodAutoscaler and the controller's memory of it."""

    def __init__(self, spec: HpaSpec) -> None:
        self.spec = spec
        self.recommendations = Recommendations()
        self.events = Events()

    def decide(self, now_s: float, current: int, wanted: int | None) -> Decision:
        """Decide once, with what the metrics gave known already; None: they failed."""
        return self.sync(now_s, current, lambda: wanted)

    def sync(self, now_s: float, current: int, recommend: Callable[[], int | None]) -> Decision:
        """Decide once; `current` is spec.replicas.

        `recommend` is called only when the metrics count. None, or a MetricError, means that
        they failed: nothing changes then.
        """
        spec = self.spec
        self.recommendations.start(now_s, current)
        if current == 0 and spec.min_replicas != 0:
            return Decision(path=Path.DISABLED, current=current, desired=0)
        if current > spec.max_replicas:
            decision = Decision(path=Path.ABOVE_MAX, current=current, desired=spec.max_replicas)
        elif current < spec.min_replicas:
            decision = Decision(path=Path.BELOW_MIN, current=current, desired=spec.min_replicas)
        else:
            try:
                wanted = recommend()
            except MetricError:
                wanted = None
            if wanted is None:
                return Decision(path=Path.METRIC_ERROR, current=current, desired=current)
            decision = self._normalised(now_s, current, max(wanted, 0))
        if decision.desired != current and spec.behaviour is not None:
            self.events.store(spec.behaviour, now_s, current, decision.desired)
        return decision

    def _normalised(self, now_s: float, current: int, wanted: int) -> Decision:
        behaviour = self.spec.behaviour
        if behaviour is None:
            window_s = self.spec.downscale_stabilization_s
            stabilized = self.recommendations.highest(now_s, wanted, window_s)
            able = "ScaleDownStabilized"
            desired, reason = self._ruled(current, stabilized)
        else:
            stabilized = self.recommendations.between(
                now_s,
                wanted,
                current,
                up_window_s=behaviour.up.stabilization_window_s,
                down_window_s=behaviour.down.stabilization_window_s,
            )
            able = "ScaleUpStabilized" if wanted >= current else "ScaleDownStabilized"
            desired, reason = self._limited(behaviour, now_s, current, stabilized)
        return Decision(
            path=Path.NORMALIZED,
            current=current,
            desired=desired,
            stabilized=stabilized,
            able_to_scale_reason="ReadyForNewScale" if stabilized == wanted else able,
            scaling_limited=desired != stabilized,
            limit_reason=reason,
        )

    def _ruled(self, current: int, wanted: int) -> tuple[int, str]:
        """Without behaviours: at most double, or 4 (convertDesiredReplicasWithRules)."""
        if wanted < self.spec.min_replicas:
            return self.spec.min_replicas, "TooFewReplicas"
        limit = int32(max(2.0 * current, 4.0))
        cap, reason = self.spec.max_replicas, "TooManyReplicas"
        if cap > limit:
            cap, reason = limit, "ScaleUpLimit"
        return (cap, reason) if wanted > cap else (wanted, "DesiredWithinRange")

    def _limited(
        self, behaviour: Behaviour, now_s: float, current: int, wanted: int
    ) -> tuple[int, str]:
        """With behaviours: as far as the policies allow (convertDesiredReplicasWithBehaviorRate)."""
        if wanted > current:
            limit = max(up_limit(behaviour.up, self.events, current, now_s), current)
            cap, reason = self.spec.max_replicas, "TooManyReplicas"
            if cap > limit:
                cap, reason = limit, "ScaleUpLimit"
            if wanted > cap:
                return cap, reason
        elif wanted < current:
            limit = min(down_limit(behaviour.down, self.events, current, now_s), current)
            floor, reason = self.spec.min_replicas, "TooFewReplicas"
            if floor < limit:
                floor, reason = limit, "ScaleDownLimit"
            if wanted < floor:
                return floor, reason
        return wanted, "DesiredWithinRange"
