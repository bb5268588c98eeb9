"""Replicas that start late, are killed, drain, and follow the autoscaler."""

import pytest

from teastorm.autoscale.controller import HpaSpec
from teastorm.autoscale.functions import Function
from teastorm.autoscale.manifest_metrics import MetricTarget
from teastorm.autoscale.pods import StartUp
from teastorm.load.settings import Mix
from teastorm.simulate import (
    Demand,
    Event,
    Happening,
    InferenceModel,
    Planned,
    Scaling,
    Scenario,
    ScenarioInvalid,
    Step,
    simulate,
)

MIX = Mix(critical_rps=2.0)
CPU = MetricTarget(function=Function.RESOURCE_UTILIZATION, target=60, name="cpu")


def wave(**changes) -> Scenario:
    demand = Demand(
        name="wave",
        steps=(Step(0.0, 40.0, 15.0), Step(40.0, 160.0, 110.0), Step(160.0, 420.0, 8.0)),
        mix=MIX,
    )
    fields = {
        "demand": demand,
        "replicas": 1,
        "inference": InferenceModel(startup_s=10.0),
        "scaling": Scaling(
            spec=HpaSpec(min_replicas=1, max_replicas=8, downscale_stabilization_s=60.0),
            metrics=(CPU,),
            start_up=StartUp(cpu_initialization_period_s=10.0, initial_readiness_delay_s=5.0),
        ),
    } | changes
    return Scenario(**fields)


def ready_at(result, time_s: float) -> int:
    return [r.ready for r in result.replicas if r.at_s <= time_s][-1]


def test_a_scaled_replica_is_ready_after_its_start_and_never_before(make_storm):
    late = Event(at_s=6.0, kind=Happening.SCALE, count=3, startup_s=4.0)
    result = simulate(make_storm(events=(late,)), 1)
    changes = [(r.at_s, r.wanted, r.ready) for r in result.replicas]
    assert changes == [(0.0, 2, 2), (6.0, 3, 2), (10.0, 3, 3)]
    assert result.pod_seconds == pytest.approx(2 * 20.0 + 14.0)
    assert result.goodput_rps > simulate(make_storm(), 1).goodput_rps


def test_a_killed_replica_is_replaced_and_its_answers_are_lost(make_storm):
    kill = Event(at_s=8.0, kind=Happening.KILL, startup_s=3.0)
    result = simulate(make_storm(events=(kill,)), 1)
    assert [(r.at_s, r.ready) for r in result.replicas] == [(0.0, 2), (8.0, 1), (11.0, 2)]
    assert result.goodput_rps < simulate(make_storm(), 1).goodput_rps
    assert result.classes["checkout"].good == result.classes["checkout"].offered


def test_scaling_down_drains_and_loses_nothing():
    steady = Scenario(
        demand=Demand.constant(20.0, 20.0, mix=MIX),
        replicas=3,
        events=(Event(at_s=8.0, kind=Happening.SCALE, count=1),),
    )
    result = simulate(steady, 1)
    assert ready_at(result, 9.0) == 1
    assert result.classes["chat"].failed == 0
    assert result.pod_seconds < 3 * 8.0 + 12.0 + 2 * 2.0


def test_the_hpa_goes_up_late_and_comes_back():
    result = simulate(wave(), 1)
    assert ready_at(result, 45.0) == 1
    assert ready_at(result, 150.0) >= 4
    assert ready_at(result, 419.0) == 1
    first = next(r.at_s for r in result.replicas if r.ready > 1)
    assert first >= 40.0 + 10.0
    assert result.changes >= 3


def test_planned_replicas_are_there_before_the_crowd():
    base = wave()
    planned = wave(
        scaling=Scaling(
            spec=base.scaling.spec,
            metrics=base.scaling.metrics,
            start_up=base.scaling.start_up,
            planned=(Planned(at_s=15.0, min_replicas=4), Planned(at_s=160.0, min_replicas=1)),
        )
    )
    late, early = simulate(base, 1), simulate(planned, 1)
    assert ready_at(early, 41.0) >= 4
    assert early.slo_misses < late.slo_misses


@pytest.mark.parametrize(
    ("function", "name", "target"),
    [
        (Function.PODS_AVERAGE_VALUE, "in_flight", 10_000),
        (Function.EXTERNAL_AVERAGE_VALUE, "offered_rps", 25_000),
        (Function.OBJECT_VALUE, "chats_in_flight", 20_000),
        (Function.RESOURCE_AVERAGE_VALUE, "cpu", 600),
    ],
)
def test_other_metrics_scale_too(function, name, target):
    base = wave()
    metric = MetricTarget(function=function, target=target, name=name)
    scaling = Scaling(spec=base.scaling.spec, metrics=(metric,), start_up=base.scaling.start_up)
    assert ready_at(simulate(wave(scaling=scaling), 1), 155.0) >= 3


def test_a_metric_that_the_model_does_not_have_is_refused():
    metric = MetricTarget(function=Function.PODS_AVERAGE_VALUE, target=1, name="memory")
    with pytest.raises(ScenarioInvalid, match="'memory' is no pods_average_value metric"):
        Scaling(spec=HpaSpec(max_replicas=2), metrics=(metric,))
