"""Scaling policies: how many replicas a period allows, counted from remembered scale events.

Source: calculateScaleUpLimitWithScalingRules, calculateScaleDownLimitWithBehaviors and
storeScaleEvent in Kubernetes 1.34's horizontal.go; defaults from apis/autoscaling/v2/defaults.go.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from teastorm.autoscale.gomath import INT32_MAX, INT32_MIN, ceil32, int32, wrap32


class PolicyType(StrEnum):
    """What a policy's value counts."""

    PODS = "Pods"
    PERCENT = "Percent"


class Select(StrEnum):
    """Which of several policies decides: the biggest change, the smallest, or none at all."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """At most `value` pods, or percent of the pods at the period's start, a period."""

    type: PolicyType
    value: int
    period_s: float

    def __post_init__(self) -> None:
        if self.value < 0 or self.period_s < 0:
            raise ValueError("a policy's value and period must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One direction's policies and stabilisation window (seconds).

    A tolerance of None is the controller's.
    """

    policies: tuple[Policy, ...]
    select: Select = Select.MAX
    stabilization_window_s: float = 0
    tolerance: float | None = None

    def __post_init__(self) -> None:
        if self.stabilization_window_s < 0:
            raise ValueError("a stabilisation window must not be negative")

    @property
    def longest_period_s(self) -> float:
        """After this long no policy counts an event."""
        return max((policy.period_s for policy in self.policies), default=0)


DEFAULT_UP = Rules(
    policies=(
        Policy(type=PolicyType.PODS, value=4, period_s=15),
        Policy(type=PolicyType.PERCENT, value=100, period_s=15),
    )
)
DEFAULT_DOWN_POLICIES = (Policy(type=PolicyType.PERCENT, value=100, period_s=15),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """spec.behavior after defaulting."""

    up: Rules
    down: Rules


@dataclass(slots=True, kw_only=True)
class ScaleEvent:
    """A change of replicas; an outdated one is kept until its place is needed."""

    at_s: float
    change: int
    outdated: bool = False


@dataclass(slots=True)
class Events:
    """What was added and removed, in the original's slot order."""

    up: list[ScaleEvent] = field(default_factory=list)
    down: list[ScaleEvent] = field(default_factory=list)

    def store(self, behaviour: Behaviour, now_s: float, before: int, after: int) -> None:
        """Remember a change, in the last outdated place if there is one."""
        grew = after > before
        events, rules = (self.up, behaviour.up) if grew else (self.down, behaviour.down)
        longest_s = rules.longest_period_s
        place = None
        for index, event in enumerate(events):
            if now_s - event.at_s >= longest_s:
                event.outdated = True
            if event.outdated:
                place = index
        change = wrap32(after - before if grew else before - after)
        fresh = ScaleEvent(at_s=now_s, change=change)
        if place is None:
            events.append(fresh)
        else:
            events[place] = fresh

    def period_start(self, current: int, period_s: float, now_s: float) -> int:
        """How many replicas there were a period ago, were these the only changes."""
        added = wrap32(_within(self.up, period_s, now_s))
        removed = wrap32(_within(self.down, period_s, now_s))
        return wrap32(current - added + removed)


def _within(events: Sequence[ScaleEvent], period_s: float, now_s: float) -> int:
    return sum(event.change for event in events if now_s - event.at_s < period_s)


def up_limit(rules: Rules, events: Events, current: int, now_s: float) -> int:
    """The most replicas that the policies allow now; may lie below `current`."""
    if rules.select is Select.DISABLED:
        return current
    choose: Callable[[int, int], int] = min if rules.select is Select.MIN else max
    result = INT32_MAX if rules.select is Select.MIN else INT32_MIN
    for policy in rules.policies:
        start = events.period_start(current, policy.period_s, now_s)
        if policy.type is PolicyType.PODS:
            proposed = wrap32(start + policy.value)
        else:  # up: or one replica could never become two
            proposed = ceil32(start * (1 + policy.value / 100))
        result = choose(result, proposed)
    return result


def down_limit(rules: Rules, events: Events, current: int, now_s: float) -> int:
    """The fewest replicas that the policies allow now; may lie above `current`."""
    if rules.select is Select.DISABLED:
        return current
    choose: Callable[[int, int], int] = max if rules.select is Select.MIN else min
    result = INT32_MIN if rules.select is Select.MIN else INT32_MAX
    for policy in rules.policies:
        start = events.period_start(current, policy.period_s, now_s)
        if policy.type is PolicyType.PODS:
            proposed = wrap32(start - policy.value)
        else:
            proposed = int32(start * (1 - policy.value / 100))
        result = choose(result, proposed)
    return result
