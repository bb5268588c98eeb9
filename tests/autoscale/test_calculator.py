import pytest

from teastorm.autoscale.calculator import average_value, resource_utilisation
from teastorm.autoscale.errors import ErrorClass, MetricError
from teastorm.autoscale.gomath import INT32_MAX, INT32_MIN, INT64_MAX
from teastorm.autoscale.metrics import ContainerUsage, PodValue, Sample, resource_values
from teastorm.autoscale.pods import Container, Phase, Ready, Status
from teastorm.autoscale.whole_values import (
    external_average_value,
    external_value,
    object_average_value,
    object_value,
)


def test_ready_pods_scale_by_the_ratio(a_pod, scene_of, values_of):
    scene = scene_of([a_pod("a"), a_pod("b")])
    got = resource_utilisation(scene, 2, 50, values_of(a=80, b=90), cpu=True)
    assert (got.replicas, got.utilisation_percent, got.usage_milli) == (4, 85, 85)


@pytest.mark.parametrize(("used", "wanted"), [(110, 2), (111, 3), (90, 2), (89, 2), (50, 1)])
def test_the_tolerance_includes_its_ends(used, wanted, a_pod, scene_of, values_of):
    scene = scene_of([a_pod("a"), a_pod("b")])
    got = resource_utilisation(scene, 2, 100, values_of(a=used, b=used), cpu=True)
    assert got.replicas == wanted


def test_tolerances_differ_by_direction(a_pod, scene_of, values_of):
    pods = [a_pod("a"), a_pod("b")]
    up = values_of(a=130, b=130)
    assert resource_utilisation(scene_of(pods, up=0.5), 2, 100, up, cpu=True).replicas == 2
    assert resource_utilisation(scene_of(pods, down=0.5), 2, 100, up, cpu=True).replicas == 3


def test_a_missing_pod_uses_nothing_on_the_way_up(a_pod, scene_of, values_of):
    scene = scene_of([a_pod("a"), a_pod("b"), a_pod("c")])
    got = resource_utilisation(scene, 3, 50, values_of(a=100, b=100), cpu=True)
    assert (got.replicas, got.groups.missing) == (4, ["c"])  # 200 % -> 66 % -> ceil(1.32 * 3)


def test_a_missing_pod_uses_its_request_on_the_way_down(a_pod, scene_of, values_of):
    scene = scene_of([a_pod("a"), a_pod("b"), a_pod("c")])
    got = resource_utilisation(scene, 3, 100, values_of(a=10, b=10), cpu=True)
    assert got.replicas == 2  # (10 + 10 + 100) / 300 = 40 % -> ceil(0.4 * 3)


def test_unready_pods_dampen_only_the_way_up(a_pod, scene_of, values_of):
    scene = scene_of([a_pod("a"), a_pod("b", phase=Phase.PENDING)])
    assert resource_utilisation(scene, 2, 50, values_of(a=100), cpu=True).replicas == 2
    assert resource_utilisation(scene, 2, 100, values_of(a=20), cpu=True).replicas == 1


def test_failed_and_deleting_pods_are_ignored(a_pod, scene_of, values_of):
    scene = scene_of([a_pod("a"), a_pod("b", phase=Phase.FAILED), a_pod("c", deleting=True)])
    got = resource_utilisation(scene, 3, 50, values_of(a=100, b=900, c=900), cpu=True)
    assert (got.replicas, got.groups.ignored) == (2, ["b", "c"])


@pytest.mark.parametrize(
    ("start_s", "status", "changed_s", "ready"),
    [
        (-299, Status.TRUE, -20, True),  # a whole window of 10 s ended at -10
        (-299, Status.TRUE, -19, False),
        (-299, Status.UNKNOWN, -20, True),
        (-299, Status.FALSE, -20, False),
        (-300, Status.TRUE, -19, True),  # the initialisation period is over
        (-300, Status.FALSE, -271, False),  # was never ready
        (-300, Status.FALSE, -270, True),  # was ready once
        (None, Status.TRUE, -20, False),
    ],
)
def test_the_cpu_initialisation_period(
    start_s, status, changed_s, ready, a_pod, scene_of, values_of
):
    condition = Ready(status=status, last_transition_s=changed_s)
    pods = [a_pod("a"), a_pod("b", start_s=start_s, ready=condition)]
    groups = resource_utilisation(scene_of(pods), 2, 50, values_of(a=50, b=50), cpu=True).groups
    assert (groups.ready, groups.unready) == ((2, []) if ready else (1, ["b"]))


def test_only_cpu_looks_at_readiness(a_pod, scene_of, values_of):
    scene = scene_of([a_pod("a", ready=None)])
    assert resource_utilisation(scene, 1, 50, values_of(a=50), cpu=False).groups.ready == 1
    with pytest.raises(MetricError) as caught:
        resource_utilisation(scene, 1, 50, values_of(a=50), cpu=True)
    assert caught.value.error_class is ErrorClass.NO_READY_METRICS


def test_errors_in_their_order(a_pod, scene_of, values_of):
    def error(pods, values, **options):
        with pytest.raises(MetricError) as caught:
            resource_utilisation(scene_of(pods), 1, 50, values, cpu=False, **options)
        return caught.value.error_class

    assert error([], values_of(a=1)) is ErrorClass.NO_PODS
    assert error([a_pod("a")], {}) is ErrorClass.NO_READY_METRICS
    broken = a_pod("b", request=None, deleting=True)
    assert error([a_pod("a"), broken], values_of(a=1)) is ErrorClass.MISSING_REQUEST
    assert error([a_pod("a")], values_of(gone=1)) is ErrorClass.ZERO_TOTAL_REQUEST
    assert error([a_pod("a")], values_of(a=1), container="no") is ErrorClass.ZERO_TOTAL_REQUEST


def test_a_pod_level_request_comes_first_unless_a_container_is_named(a_pod, scene_of, values_of):
    pods = [a_pod("a", pod_level_request_milli=400)]
    whole = resource_utilisation(scene_of(pods), 1, 50, values_of(a=100), cpu=True)
    one = resource_utilisation(scene_of(pods), 1, 50, values_of(a=100), cpu=True, container="app")
    assert (whole.utilisation_percent, one.utilisation_percent) == (25, 100)


def test_plain_metrics_count_unknown_pods(a_pod, scene_of, values_of):
    got = average_value(scene_of([a_pod("a")]), 1, 100, values_of(a=100, gone=500))
    assert (got.usage_milli, got.replicas) == (300, 3)


def test_a_change_is_not_turned_around_by_what_is_filled_in(a_pod, scene_of, values_of):
    pods = [a_pod(name) for name in "abcd"]
    assert average_value(scene_of(pods), 4, 100, values_of(a=150)).replicas == 4


def test_averages_are_cut_toward_zero(a_pod, scene_of, values_of):
    got = average_value(scene_of([a_pod("a"), a_pod("b")]), 2, 10, values_of(a=-2, b=-1))
    assert (got.usage_milli, got.replicas) == (-1, 0)


def used(container, *usages):
    sample = Sample("a", -5, 10, [ContainerUsage(name, milli) for name, milli in usages])
    return resource_values([sample], container).get("a", PodValue(None)).value_milli


def test_samples_are_whole_or_nothing():
    assert used("", ("app", 7), ("log", 3)) == 10
    assert used("log", ("app", 7), ("log", 3)) == 3
    assert used("", ("app", 7), ("log", None)) is None
    assert used("log", ("app", 7), ("log", None)) is None
    assert used("") is None
    assert used("app", ("app", 7), ("app", 9)) == 7
    assert used("", ("app", INT64_MAX), ("log", 1)) == -INT64_MAX - 1


def test_a_sample_that_does_not_know_the_container_is_none_at_all():
    assert used("log", ("app", 7)) is None
    assert used("log") is None


def test_of_two_whole_samples_of_one_pod_the_last_counts():
    usages = ([ContainerUsage("app", 7)], [ContainerUsage("app", 9)], [ContainerUsage("app")])
    samples = [Sample("a", -5, 10, listed) for listed in usages]
    assert resource_values(samples, "")["a"].value_milli == 9


def test_object_metrics_multiply_ready_running_pods(a_pod, scene_of):
    unready = Ready(status=Status.FALSE, last_transition_s=-5)
    pods = [a_pod("a"), a_pod("b", deleting=True), a_pod("c", ready=unready)]
    assert object_value(scene_of(pods), 3, 100, 250).replicas == 5
    assert object_value(scene_of([]), 3, 100, 105).replicas == 3
    assert object_value(scene_of([]), 0, 100, 250).replicas == 3
    with pytest.raises(MetricError, match="no pods"):
        object_value(scene_of([]), 3, 100, 250)


def test_average_values_look_at_no_pods(scene_of):
    got = object_average_value(scene_of([]), 3, 100, 601)
    assert (got.replicas, got.usage_milli) == (7, 201)
    from_zero = object_average_value(scene_of([]), 0, 100, 250)
    assert (from_zero.replicas, from_zero.usage_milli) == (3, None)


def test_external_sums_wrap_or_are_cut(scene_of):
    assert external_value(scene_of([]), 0, 1, [INT64_MAX, 1]).replicas == INT32_MIN
    cut = external_average_value(scene_of([]), 2, 1, [INT64_MAX, 1])
    assert (cut.replicas, cut.usage_milli) == (INT32_MAX, INT64_MAX)
    # A negative sum counts as an overflow, and then nothing is divided by zero replicas.
    below = external_average_value(scene_of([]), 0, 2, [-1])
    assert (below.replicas, below.usage_milli) == (INT32_MAX, INT64_MAX)
    with pytest.raises(MetricError):
        external_value(scene_of([]), 0, 1, [])


def test_a_request_of_a_named_container_counts_alone(a_pod, scene_of, values_of):
    containers = (Container(name="app", request_milli=100), Container(name="log"))
    scene = scene_of([a_pod("a", containers=containers)])
    got = resource_utilisation(scene, 1, 50, values_of(a=50), cpu=True, container="app")
    assert got.utilisation_percent == 50
