"""The case files' objects (pods, samples, behaviours) read into the port's own."""

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
from teastorm.autoscale.controller import HpaSpec
from teastorm.autoscale.fields import FieldError, Fields
from teastorm.autoscale.gomath import INT32_MAX
from teastorm.autoscale.metrics import PodValue, ResourceSample, Usage
from teastorm.autoscale.pods import Container, Phase, Pod, Ready, StartUp, Status


def read_pods(case: Fields) -> list[Pod]:
    """The pods of a case or of a step; their times are relative to its now."""
    return [_pod(each) for each in case.objects("pods")]


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


def read_samples(case: Fields) -> list[ResourceSample]:
    """`pod_metrics` of a resource metric."""
    return [
        ResourceSample(
            pod=each.text("pod"),
            timestamp_s=each.number("timestamp_s"),
            window_s=each.number("window_s"),
            usages=tuple(
                Usage(one.text("name"), one.optional_integer("usage_milli"))
                for one in each.objects("containers")
            ),
        )
        for each in case.objects("pod_metrics")
    ]


def read_values(case: Fields) -> dict[str, PodValue]:
    """`pod_metrics` of a pods metric."""
    return {
        each.text("pod"): PodValue(
            each.integer("value_milli"), each.number("timestamp_s"), each.number("window_s")
        )
        for each in case.objects("pod_metrics")
    }


def read_start_up(fields: Fields) -> StartUp:
    """The two periods beside a case, or in its `controller`."""
    return StartUp(
        cpu_initialization_period_s=fields.number("cpu_initialization_period_s"),
        initial_readiness_delay_s=fields.number("initial_readiness_delay_s"),
    )


def read_hpa(case: Fields) -> HpaSpec:
    """`hpa`, `behavior_effective` and `controller` of a case over time."""
    hpa, controller = case.child("hpa"), case.child("controller")
    window_s = controller.number("downscale_stabilization_s")
    behaviour = None
    if "behavior_effective" in case:
        behaviour = read_behaviour(case.child("behavior_effective"), window_s)
    elif "behavior" in hpa:
        behaviour = read_behaviour(hpa.child("behavior"), window_s)
    minimum = hpa.int32("minReplicas") if "minReplicas" in hpa else 1
    return HpaSpec(
        min_replicas=minimum,
        max_replicas=hpa.int32("maxReplicas"),
        behaviour=behaviour,
        downscale_stabilization_s=window_s,
    )


def read_behaviour(fields: Fields, downscale_stabilization_s: float) -> Behaviour:
    """spec.behavior with the API server's defaults, field by field."""
    up = _rules(fields, "scaleUp", DEFAULT_UP)
    default = Rules(
        policies=DEFAULT_DOWN_POLICIES, stabilization_window_s=int(downscale_stabilization_s)
    )
    return Behaviour(up=up, down=_rules(fields, "scaleDown", default))


def _rules(behaviour: Fields, key: str, default: Rules) -> Rules:
    if key not in behaviour:
        return default
    fields = behaviour.child(key)
    window_s = default.stabilization_window_s
    if "stabilizationWindowSeconds" in fields:
        window_s = fields.integer("stabilizationWindowSeconds", low=0, high=INT32_MAX)
    policies = default.policies
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
