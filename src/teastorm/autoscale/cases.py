"""The case files' settings (bounds, behaviours, periods) read into the port's own objects."""

from functools import lru_cache

from teastorm.autoscale import quantity
from teastorm.autoscale.behaviour import (
    DEFAULT_DOWN_POLICIES,
    DEFAULT_UP,
    Behaviour,
    Policy,
    PolicyType,
    Rules,
    Select,
)
from teastorm.autoscale.calculator import Tolerance
from teastorm.autoscale.case_lines import Hpa
from teastorm.autoscale.controller import HpaSpec
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.gomath import INT32_MAX
from teastorm.autoscale.pods import StartUp


@lru_cache(maxsize=1024)
def start_up_of(cpu_initialization_period_s: float, initial_readiness_delay_s: float) -> StartUp:
    """Files repeat the same few; checking each again would cost more than the look-up."""
    return StartUp(
        cpu_initialization_period_s=cpu_initialization_period_s,
        initial_readiness_delay_s=initial_readiness_delay_s,
    )


@lru_cache(maxsize=1024)
def tolerance_of(up: float, down: float) -> Tolerance:
    """The same for tolerances."""
    return Tolerance(up=up, down=down)


def hpa_of(hpa: Hpa, effective: dict[str, object] | None, window_s: float) -> HpaSpec:
    """`hpa`, `behavior_effective` and the controller's window of a case over time."""
    behaviour = None
    if effective is not None:
        fields = Fields(effective, "behavior_effective")
        behaviour = read_behaviour(fields, window_s, complete=True)
    elif hpa.behavior is not None:
        behaviour = read_behaviour(Fields(hpa.behavior, "hpa.behavior"), window_s)
    return HpaSpec(
        min_replicas=1 if hpa.min_replicas is None else hpa.min_replicas,
        max_replicas=hpa.max_replicas,
        behaviour=behaviour,
        downscale_stabilization_s=window_s,
    )


def read_behaviour(
    fields: Fields, downscale_stabilization_s: float, *, complete: bool = False
) -> Behaviour:
    """spec.behavior with the API server's defaults, field by field.

    `complete`: the server filled it in already, so that policies that are not there are none.
    """
    up = _rules(fields, "scaleUp", DEFAULT_UP, complete=complete)
    default = Rules(
        policies=DEFAULT_DOWN_POLICIES, stabilization_window_s=int(downscale_stabilization_s)
    )
    return Behaviour(up=up, down=_rules(fields, "scaleDown", default, complete=complete))


def _rules(behaviour: Fields, key: str, default: Rules, *, complete: bool) -> Rules:
    if key not in behaviour:
        return default
    fields = behaviour.child(key)
    window_s = default.stabilization_window_s
    if "stabilizationWindowSeconds" in fields:
        window_s = fields.integer("stabilizationWindowSeconds", low=0, high=INT32_MAX)
    policies = () if complete else default.policies
    if "policies" in fields:
        policies = tuple(_policy(each) for each in fields.objects("policies"))
    return Rules(
        policies=policies,
        select=fields.one_of("selectPolicy", Select, default.select),
        stabilization_window_s=window_s,
        tolerance=_tolerance(fields) if "tolerance" in fields else None,
    )


def _tolerance(fields: Fields) -> float:
    try:
        tolerance = quantity.approximate(str(fields.content["tolerance"]))
    except ValueError as error:
        raise FieldError(f"{fields.path('tolerance')}: {error}") from error
    if tolerance < 0:
        raise FieldError(f"{fields.path('tolerance')} must not be negative")
    return tolerance


def _policy(fields: Fields) -> Policy:
    return Policy(
        type=fields.one_of("type", PolicyType),
        value=fields.integer("value", low=0, high=INT32_MAX),
        period_s=fields.integer("periodSeconds", low=0, high=INT32_MAX),
    )
