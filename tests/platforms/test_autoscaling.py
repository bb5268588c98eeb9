"""The autoscaler's own status read, and the lag of a scale-up split where it passed."""

from teastorm.platforms.kubernetes.autoscaling import Autoscalers, parse, rows
from teastorm.platforms.kubernetes.lag import Lag, Moments, Sample, lag


def hpa(desired: int, current: int, percent: int | None) -> dict:
    seen = [] if percent is None else [_metric("current", percent)]
    return {
        "spec": {
            "scaleTargetRef": {"name": "teashop-inference"},
            "metrics": [_metric("target", 60)],
        },
        "status": {"desiredReplicas": desired, "currentReplicas": current, "currentMetrics": seen},
    }


def _metric(key: str, percent: int) -> dict:
    return {
        "type": "ContainerResource",
        "containerResource": {"name": "cpu", key: {"averageUtilization": percent}},
    }


def sample(at_s: float, desired: int, value: float | None) -> Sample:
    return Sample(
        at_s=at_s, service="inference", desired=desired, current=1, value=value, target=60.0
    )


SAMPLES = [sample(0.0, 1, 20.0), sample(22.0, 1, 95.0), sample(30.0, 2, 98.0)]
OLD = Moments(service="inference", seen_s=1.0, scheduled_s=1.0, started_s=2.0, ready_s=3.0)
NEW = Moments(service="inference", seen_s=30.5, scheduled_s=31.0, started_s=33.0, ready_s=38.0)


def test_the_status_is_read_with_its_metric_and_target():
    found = parse(hpa(3, 2, 95), "teashop-", 7.0)
    assert found == Sample(
        at_s=7.0, service="inference", desired=3, current=2, value=95.0, target=60.0
    )
    pods = {"type": "Pods", "pods": {"metric": {"name": "x"}, "target": {"averageValue": "2500m"}}}
    item = {"spec": {"scaleTargetRef": {"name": "teashop-gateway"}, "metrics": [pods]}}
    assert parse(item, "teashop-", 0.0).target == 2.5


def test_only_changes_are_kept():
    now = iter([1.0, 2.0, 3.0])
    followed = Autoscalers("teashop", clock=lambda: next(now))
    for item in (hpa(1, 1, None), hpa(1, 1, None), hpa(2, 1, 95)):
        followed.apply("MODIFIED", item)
    assert [(s.at_s, s.desired) for s in followed.samples()] == [(1.0, 1), (3.0, 2)]
    assert rows(followed.samples(), to_unix_s=100.0)[1]["at_unix_s"] == 103.0


def test_the_lag_is_split_where_it_passed():
    found = lag("inference", SAMPLES, {"old": OLD, "new": NEW}, since_s=10.0)
    assert found == Lag(
        service="inference",
        metric_s=12.0,
        sync_s=8.0,
        schedule_s=1.0,
        start_s=2.0,
        warm_up_s=5.0,
    )
    assert found.total_s == NEW.ready_s - 10.0


def test_without_a_scale_up_there_is_no_lag():
    assert lag("inference", SAMPLES[:2], {"old": OLD}, since_s=10.0) is None


def test_a_part_that_was_not_seen_leaves_the_whole_unknown():
    pending = Moments(service="inference", seen_s=30.5)
    found = lag("inference", SAMPLES, {"new": pending}, since_s=10.0)
    assert found is not None
    assert (found.schedule_s, found.total_s) == (None, None)
