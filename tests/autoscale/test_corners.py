"""The rarely visited corners of the algorithm, each with the rule of Kubernetes 1.34 it follows."""

import pytest

from teastorm.autoscale.behaviour import Behaviour, Policy, PolicyType, Rules, ScaleEvent, Select
from teastorm.autoscale.calculator import average_value, resource_utilisation
from teastorm.autoscale.controller import Autoscaler, HpaSpec, Path, combine
from teastorm.autoscale.gomath import INT32_MIN
from teastorm.autoscale.pods import Phase
from teastorm.autoscale.whole_values import external_value, object_average_value, object_value


def rules(*policies, **settings):
    listed = [Policy(type=PolicyType(kind), value=value, period_s=s) for kind, value, s in policies]
    return Rules(policies=tuple(listed), **settings)


def scaler(up=None, down=None, **settings):
    behaviour = Behaviour(
        up=up or rules(("Percent", 900, 15)), down=down or rules(("Percent", 100, 15))
    )
    return Autoscaler(HpaSpec(**{"max_replicas": 100, "behaviour": behaviour} | settings))


def legacy(**settings):
    return Autoscaler(HpaSpec(**{"max_replicas": 100} | settings))


# --- one metric, one moment ---


def test_at_a_ratio_of_exactly_one_missing_pods_are_not_filled_in(a_pod, scene_of, values_of):
    pods = [a_pod(name) for name in "abc"]
    scene = scene_of(pods, up=0, down=0)
    got = average_value(scene, 3, 100, values_of(a=100))
    assert (got.replicas, got.groups.missing) == (3, ["b", "c"])


def test_on_the_way_down_a_missing_pod_uses_a_target_above_its_request(a_pod, scene_of, values_of):
    pods = [a_pod("a"), a_pod("b")]
    got = resource_utilisation(scene_of(pods), 2, 200, values_of(a=20), cpu=True)
    assert got.replicas == 2  # (20 + 200) / 200 = 110 % of 200 % -> ceil(0.55 * 2)
    assert resource_utilisation(scene_of(pods), 4, 200, values_of(a=20), cpu=True).replicas == 2


def test_an_unready_pod_can_turn_the_way_up_around_which_changes_nothing(
    a_pod, scene_of, values_of
):
    pods = [a_pod("a"), *(a_pod(name, phase=Phase.PENDING) for name in "bcd")]
    got = resource_utilisation(scene_of(pods), 9, 50, values_of(a=120), cpu=True)
    assert got.replicas == 9  # 120 % -> 30 %: below the target now


def test_a_pending_pod_with_a_sample_counts_for_none(a_pod, scene_of, values_of):
    pods = [a_pod("a"), a_pod("b", phase=Phase.PENDING)]
    got = resource_utilisation(scene_of(pods), 2, 100, values_of(a=20, b=900), cpu=True)
    assert (got.replicas, got.utilisation_percent, got.groups.unready) == (1, 20, ["b"])


@pytest.mark.parametrize("phase", [Phase.SUCCEEDED, Phase.UNKNOWN])
def test_ended_and_unknown_pods_without_a_sample_are_missing(phase, a_pod, scene_of, values_of):
    pods = [a_pod("a"), a_pod("b", phase=phase)]
    groups = resource_utilisation(scene_of(pods), 2, 50, values_of(a=100), cpu=True).groups
    assert (groups.ready, groups.missing) == (1, ["b"])


def test_a_sample_of_a_pod_nobody_knows_is_counted_when_values_are_filled_in(
    a_pod, scene_of, values_of
):
    pods = [a_pod("a"), a_pod("b")]
    got = resource_utilisation(scene_of(pods), 2, 50, values_of(a=200, gone=1), cpu=True)
    assert got.utilisation_percent == 200
    assert got.replicas == 6  # a, gone and b: ceil(100 % / 50 % * 3)


def test_what_is_filled_in_must_not_turn_the_number_of_replicas(a_pod, scene_of, values_of):
    pods = [a_pod(name) for name in "abc"]
    up = average_value(scene_of(pods), 9, 100, values_of(a=200, b=200))
    assert up.replicas == 9  # wants more, but ceil(1.33 * 3) are fewer
    down = average_value(scene_of(pods), 1, 100, values_of(a=10, b=10))
    assert down.replicas == 1  # wants fewer, but ceil(0.4 * 3) are more


def test_without_missing_pods_there_is_no_such_guard(a_pod, scene_of, values_of):
    got = average_value(scene_of([a_pod("a"), a_pod("b")]), 9, 100, values_of(a=200, b=200))
    assert got.replicas == 4


def test_each_direction_has_its_tolerance_also_after_filling_in(a_pod, scene_of, values_of):
    pods = [a_pod(name) for name in "abc"]
    used = values_of(a=200, b=200)  # 2.0 -> 1.33 with c at 0
    assert average_value(scene_of(pods, up=0.32), 3, 100, used).replicas == 4
    assert average_value(scene_of(pods, up=0.34), 3, 100, used).replicas == 3
    assert average_value(scene_of(pods, down=0.99), 3, 100, used).replicas == 4


def test_from_zero_replicas_no_tolerance_holds(scene_of):
    scene = scene_of([], up=9, down=0.99)
    assert object_value(scene, 0, 100, 90).replicas == 1
    assert object_value(scene, 0, 100, 0).replicas == 0
    assert external_value(scene, 0, 100, [40, 70]).replicas == 2
    assert object_average_value(scene, 0, 100, 0).replicas == 0  # NaN is within no tolerance


def test_no_ready_pod_at_all_asks_for_none(a_pod, scene_of):
    assert object_value(scene_of([a_pod("a", ready=None)]), 1, 100, 500).replicas == 0


def test_a_value_beyond_int32_wraps_as_in_go(a_pod, scene_of):
    assert object_value(scene_of([a_pod("a")]), 1, 1, 2**40).replicas == INT32_MIN


# --- several metrics ---


def test_a_failed_metric_forbids_only_the_way_down():
    assert combine([4, None], 4).recommendation == 4
    assert combine([None, 3, None], 4) == (None, 0)
    assert combine([0, None], 0).recommendation == 0
    assert combine([-3, -5], 4).recommendation == 0  # best of -3 replaces 0, raised to 0 at last
    assert combine([-3, 2], 4).recommendation == 2


# --- over time ---


def test_the_first_sync_remembers_what_runs_on_every_path():
    for current, minimum, maximum in ((0, 1, 9), (12, 1, 9), (1, 3, 9)):
        autoscaler = legacy(min_replicas=minimum, max_replicas=maximum)
        autoscaler.decide(7, current, 5)
        assert autoscaler.recommendations.items == [(7, current)]
    failed = legacy()
    failed.decide(7, 4, None)
    assert failed.recommendations.items == [(7, 4)]


def test_bounds_store_events_only_with_a_behaviour():
    both = scaler(min_replicas=3, max_replicas=9)
    both.decide(0, 12, 5)
    both.decide(15, 1, 5)
    assert both.events.down == [ScaleEvent(at_s=0, change=3)]
    assert both.events.up == [ScaleEvent(at_s=15, change=2)]
    old = legacy(min_replicas=3)
    old.decide(0, 1, 5)
    assert old.events.up == []


def test_a_disabled_autoscaler_stores_no_event():
    autoscaler = scaler()
    assert autoscaler.decide(0, 0, 5).path is Path.DISABLED
    assert autoscaler.events.up == []


def test_the_last_outdated_event_is_overwritten_and_the_mark_stays():
    autoscaler = scaler(up=rules(("Pods", 9, 30)))
    for at_s, current, wanted in ((0, 1, 2), (15, 2, 3), (30, 3, 4), (60, 4, 5)):
        autoscaler.decide(at_s, current, wanted)
    # At 30 the event of 0 was outdated and overwritten; at 60 both are, and the last one went.
    assert autoscaler.events.up == [
        ScaleEvent(at_s=30, change=1, outdated=True),
        ScaleEvent(at_s=60, change=1),
    ]


def test_each_policy_looks_back_over_its_own_period():
    up = rules(("Pods", 2, 15), ("Pods", 3, 60), select=Select.MIN)
    autoscaler = scaler(up=up)
    assert [autoscaler.decide(at_s, n, 50).desired for at_s, n in ((0, 4), (15, 6), (60, 7))] == [
        6,
        7,
        9,
    ]


def test_what_was_removed_in_the_period_may_come_back():
    autoscaler = scaler(up=rules(("Pods", 1, 60)))
    assert autoscaler.decide(0, 10, 4).desired == 4
    assert autoscaler.decide(15, 4, 50).desired == 11  # 10 a period ago, and one more


def test_a_limit_below_what_runs_holds():
    autoscaler = scaler(up=rules(("Pods", 1, 60)), down=rules(("Pods", 1, 60)))
    autoscaler.decide(0, 4, 50)
    decision = autoscaler.decide(15, 8, 50)  # somebody else scaled by hand: 8 - 1 + 1
    assert (decision.desired, decision.limit_reason) == (8, "ScaleUpLimit")
    autoscaler.decide(30, 8, 1)
    assert autoscaler.decide(45, 3, 1).desired == 3


def test_a_maximum_equal_to_the_limit_is_told_as_the_maximum():
    assert scaler(max_replicas=20).decide(0, 2, 50).limit_reason == "TooManyReplicas"
    assert scaler(max_replicas=21).decide(0, 2, 50).limit_reason == "ScaleUpLimit"
    down = scaler(down=rules(("Pods", 2, 15)), min_replicas=3)
    assert down.decide(0, 5, 1).limit_reason == "TooFewReplicas"
    assert down.decide(15, 6, 1).limit_reason == "ScaleDownLimit"


def test_without_behaviours_the_minimum_comes_before_the_limit():
    decision = legacy(min_replicas=9, max_replicas=20).decide(0, 9, 1)
    assert (decision.desired, decision.limit_reason) == (9, "DesiredWithinRange")  # stabilised
    fresh = legacy(min_replicas=2, max_replicas=20, downscale_stabilization_s=0)
    assert fresh.decide(0, 3, 1).limit_reason == "TooFewReplicas"
    assert legacy(max_replicas=4).decide(0, 1, 50).limit_reason == "TooManyReplicas"
    assert legacy(max_replicas=5).decide(0, 1, 50).limit_reason == "ScaleUpLimit"


def test_a_disabled_direction_holds_whatever_is_wanted():
    off = rules(("Percent", 100, 15), select=Select.DISABLED)
    decision = scaler(up=off, down=off).decide(0, 5, 9)
    assert (decision.desired, decision.limit_reason) == (5, "ScaleUpLimit")
    decision = scaler(up=off, down=off).decide(0, 5, 1)
    assert (decision.desired, decision.limit_reason) == (5, "ScaleDownLimit")


def test_a_recommendation_leaves_its_window_at_its_very_end():
    down = rules(("Percent", 100, 15), stabilization_window_s=30)
    autoscaler = scaler(down=down)
    assert autoscaler.decide(0, 8, 8).desired == 8
    assert autoscaler.decide(29, 8, 2).desired == 8
    assert autoscaler.decide(30, 8, 2).desired == 2


def test_a_place_is_used_again_only_when_old_for_both_windows():
    up = rules(("Percent", 900, 15), stabilization_window_s=60)
    down = rules(("Percent", 100, 15), stabilization_window_s=15)
    autoscaler = scaler(up=up, down=down)
    for at_s in (0, 15, 30, 45, 60):
        autoscaler.decide(at_s, 4, 4)
    assert [item.at_s for item in autoscaler.recommendations.items] == [0, 60, 15, 30, 45]


def test_a_window_of_zero_contains_nothing():
    autoscaler = scaler()
    autoscaler.decide(0, 8, 8)
    assert autoscaler.decide(1, 8, 2).desired == 2
