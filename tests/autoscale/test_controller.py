import pytest

from teastorm.autoscale.behaviour import Behaviour, Policy, PolicyType, Rules, Select
from teastorm.autoscale.controller import Autoscaler, HpaSpec, Path, combine
from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.gomath import INT32_MIN, ceil32, quotient, ratio, wrap32, wrap64


def pods(value, period_s=15):
    return Policy(type=PolicyType.PODS, value=value, period_s=period_s)


def percent(value, period_s=15):
    return Policy(type=PolicyType.PERCENT, value=value, period_s=period_s)


def scaler(up=None, down=None, **settings):
    behaviour = None
    if up or down:
        behaviour = Behaviour(
            up=up or Rules(policies=(percent(900),)),
            down=down or Rules(policies=(percent(100),)),
        )
    return Autoscaler(HpaSpec(**{"max_replicas": 100, "behaviour": behaviour} | settings))


def run(autoscaler, current, wanted, *, every_s=15):
    """Desired replicas sync by sync."""
    desired = []
    for index, each in enumerate(wanted):
        current = autoscaler.decide(index * every_s, current, each).desired
        desired.append(current)
    return desired


def failing():
    raise MetricError(ErrorClass.NO_METRICS, "none")


def unasked():
    raise AssertionError("metrics do not count on this path")


@pytest.mark.parametrize(
    ("current", "minimum", "path", "desired"),
    [
        (0, 1, Path.DISABLED, 0),
        (11, 1, Path.ABOVE_MAX, 10),
        (1, 2, Path.BELOW_MIN, 2),
    ],
)
def test_bounds_come_before_metrics(current, minimum, path, desired):
    got = scaler(max_replicas=10, min_replicas=minimum).sync(0, current, unasked)
    assert (got.path, got.desired) == (path, desired)


def test_failed_metrics_change_nothing():
    assert scaler().sync(0, 4, failing).path is Path.METRIC_ERROR
    assert scaler().decide(0, 4, None).desired == 4


def test_zero_is_left_when_the_minimum_allows_it():
    assert run(scaler(min_replicas=0), 0, [3, 3]) == [3, 3]
    assert run(scaler(min_replicas=0, downscale_stabilization_s=0), 2, [0]) == [0]


def test_without_behaviours_replicas_at_most_double():
    assert run(scaler(), 1, [50, 50, 50, 50]) == [4, 8, 16, 32]


def test_without_behaviours_the_window_holds_replicas_up():
    wanted = [10, 2, 2, 2, 2]
    assert run(scaler(downscale_stabilization_s=45), 10, wanted) == [10, 10, 10, 2, 2]


def test_a_proposal_below_zero_is_zero():
    got = scaler(downscale_stabilization_s=0).decide(0, 4, -7)
    assert (got.desired, got.stabilized, got.limit_reason) == (1, 0, "TooFewReplicas")


def test_policies_take_the_biggest_or_smallest_change():
    both = (pods(4), percent(100))
    assert run(scaler(up=Rules(policies=both)), 10, [50]) == [20]
    assert run(scaler(up=Rules(policies=both, select=Select.MIN)), 10, [50]) == [14]
    assert run(scaler(up=Rules(policies=both, select=Select.DISABLED)), 10, [50]) == [10]
    assert run(scaler(down=Rules(policies=(pods(4), percent(10)))), 10, [1]) == [6]
    minimum = Rules(policies=(pods(4), percent(10)), select=Select.MIN)
    assert run(scaler(down=minimum), 10, [1]) == [9]


def test_a_period_counts_what_was_added_in_it():
    autoscaler = scaler(up=Rules(policies=(pods(2, 60),)))
    assert run(autoscaler, 1, [9] * 6) == [3, 3, 3, 3, 5, 5]
    assert [(event.at_s, event.change) for event in autoscaler.events.up] == [(60, 2)]


def test_a_percentage_up_is_rounded_up_and_down_cut():
    assert run(scaler(up=Rules(policies=(percent(10),))), 1, [9]) == [2]
    assert run(scaler(down=Rules(policies=(percent(30),))), 3, [1]) == [2]


def test_an_up_window_waits_for_agreement():
    up = Rules(policies=(percent(900),), stabilization_window_s=30)
    assert run(scaler(up=up), 2, [8, 8, 8]) == [2, 2, 8]
    assert scaler(up=up).decide(0, 2, 8).able_to_scale_reason == "ScaleUpStabilized"


def test_several_metrics_take_the_highest():
    assert combine([3, 7, 5], 4).recommendation == 7
    assert combine([None, 7], 4).recommendation == 7
    assert combine([None, 3], 4).recommendation is None  # no scaling down on half the data
    assert combine([None, None], 4).first_failed == 0
    assert combine([-2], 4).recommendation == 0


def test_behaviour_tolerances_need_the_gate():
    up = Rules(policies=(percent(100),), tolerance=0.3)
    behaviour = Behaviour(up=up, down=Rules(policies=()))
    off = HpaSpec(max_replicas=5, behaviour=behaviour)
    on = HpaSpec(max_replicas=5, behaviour=behaviour, configurable_tolerance=True)
    assert (off.tolerances().up, on.tolerances().up, on.tolerances().down) == (0.1, 0.3, 0.1)


@pytest.mark.parametrize(
    "settings", [{"max_replicas": 0}, {"min_replicas": -1}, {"downscale_stabilization_s": -1}]
)
def test_a_spec_refuses_bad_values(settings):
    with pytest.raises(ValueError, match="must"):
        scaler(**settings)


def test_go_arithmetic():
    assert [quotient(7, 2), quotient(-7, 2), quotient(7, -2), quotient(-7, -2)] == [3, -3, -3, 3]
    assert wrap32(2**31) == INT32_MIN
    assert wrap64(2**63) == -(2**63)
    assert ratio(-1, 0) == float("-inf")
    assert str(ratio(0, 0)) == "nan"
    beyond = (float("nan"), float("inf"), 3e9, 2147483647.5, -3e9)
    assert [ceil32(value) for value in beyond] == [INT32_MIN] * 5
    assert ceil32(-2147483648.5) == INT32_MIN
    assert ceil32(2147483646.5) == 2147483647
