"""The small pure parts of the kubernetes platform: values, layers, what a pod tells."""

import json

import pytest

from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.installation import merged
from teastorm.platforms.kubernetes.pods import parse_pod
from teastorm.platforms.kubernetes.start_up import start_up
from teastorm.platforms.kubernetes.values import shown, values_of


def test_values_hold_the_plan_and_hide_the_token_where_they_are_shown():
    plan = ShopPlan(
        replicas={"gateway": 2, "orders": 1},
        protections={"codel": False},
        seed=7,
        settings={"orders": {"stock": 5}},
        startup_s={"orders": 2.0},
    )
    values = values_of(plan, "secret")
    assert values["orders"] == {"replicas": 1, "settings": {"stock": 5}, "startupS": 2.0}
    assert values["inference"] == {"replicas": 0}
    assert values["postgresql"] == {"enabled": True}
    assert "secret" in json.dumps(values)
    assert "secret" not in json.dumps(shown(values))


def test_layers_merge_as_helm_merges_files():
    assert merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}}, {"d": [1]}) == {
        "a": {"b": 5, "c": 2},
        "d": [1],
    }


def test_a_pod_is_read_from_what_little_a_new_one_has():
    pod = parse_pod({"metadata": {"name": "a", "uid": "u"}})
    assert (pod.ready, pod.deleting, pod.restarts, pod.identity) == (False, False, 0, "u/0")


def test_a_crash_loop_is_told_after_its_second_restart():
    state = {
        "name": "gateway",
        "restartCount": 2,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 2}},
    }
    body = {
        "metadata": {"name": "gateway-1", "uid": "u"},
        "spec": {"containers": [{"name": "gateway", "image": "shop:1"}]},
        "status": {"phase": "Running", "containerStatuses": [state]},
    }
    assert "ends as it starts, 2 times (Error, exit 2)" in parse_pod(body).trouble()
    state["restartCount"] = 1
    assert not parse_pod(body).trouble()


def started(*, restarts: int = 0, ready: bool = True) -> dict:
    """A pod made at :00, scheduled at :01, begun at :03 and ready at :09."""
    word = "True" if ready else "False"
    return {
        "metadata": {"name": "a", "uid": "u", "creationTimestamp": "2026-11-26T10:00:00Z"},
        "spec": {"containers": [{"name": "gateway"}]},
        "status": {
            "containerStatuses": [
                {
                    "name": "gateway",
                    "restartCount": restarts,
                    "state": {"running": {"startedAt": "2026-11-26T10:00:03Z"}},
                }
            ],
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "True",
                    "lastTransitionTime": "2026-11-26T10:00:01Z",
                },
                {"type": "Ready", "status": word, "lastTransitionTime": "2026-11-26T10:00:09Z"},
            ],
        },
    }


@pytest.mark.parametrize(
    ("body", "took", "words"),
    [
        (started(), (1.0, 3.0, 9.0), "9 s"),
        (started(ready=False), (1.0, 3.0, None), "began after 3 s"),
        (started(restarts=1), (1.0, None, None), ""),
        ({"metadata": {"name": "a", "uid": "u"}}, (None, None, None), ""),
    ],
)
def test_a_pods_start_up_is_told_from_its_making(body, took, words):
    found = start_up(parse_pod(body))
    assert (found.scheduled_s, found.started_s, found.ready_s) == took
    assert str(found) == words
