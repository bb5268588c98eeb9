"""What a case of `bench.hpa_cases` is made of: pods, their samples, a metric over them.

What is rare on a cluster (pods that start, fail or have no sample) is rare here, and there.
"""

from __future__ import annotations

import random

type Object = dict[str, object]

_FUNCTIONS = {
    "resource_utilization": 4,
    "resource_average_value": 2,
    "pods_average_value": 3,
    "object_value": 2,
    "object_average_value": 1,
    "external_value": 2,
    "external_average_value": 1,
}
_CONTAINERS = ("app", "proxy", "log")
REQUEST_MILLI = 500
_TARGET_PERCENT = 60
_TARGET_MILLI = 300


def function_of(chance: random.Random) -> str:
    """The calculator's functions, as often as case files have them."""
    return chance.choices(list(_FUNCTIONS), list(_FUNCTIONS.values()))[0]


def pods_of(chance: random.Random, count: int, containers: int | None = None) -> list[Object]:
    """One in fifteen is not running, one in fifteen is not ready."""
    names = _CONTAINERS[: containers or chance.randint(1, 3)]
    found: list[Object] = []
    for number in range(count):
        start_s = -chance.randint(30, 5000)
        phase = chance.choices(("Running", "Pending", "Failed"), (14, 0.6, 0.4))[0]
        ready = {
            "status": "True" if phase == "Running" and chance.random() < 14 / 15 else "False",
            "last_transition_s": chance.randint(start_s, -1),
        }
        found.append(
            {
                "name": f"pod-{number}",
                "phase": phase,
                "deleting": chance.random() < 0.02,
                "start_s": start_s,
                "ready": ready,
                "containers": [{"name": n, "request_milli": REQUEST_MILLI} for n in names],
            }
        )
    return found


def samples_of(chance: random.Random, pods: list[Object], share: float) -> list[Object]:
    """What each pod used, near `share` of its request; one in twenty has no sample."""
    found: list[Object] = []
    for pod in pods:
        listed = pod["containers"]
        if chance.random() < 0.05 or not isinstance(listed, list):
            continue
        use = [round(REQUEST_MILLI * share * chance.uniform(0.8, 1.2)) for _ in listed]
        usage = [
            {"name": container["name"], "usage_milli": milli}
            for container, milli in zip(listed, use, strict=True)
        ]
        moment = {"timestamp_s": -chance.randint(1, 60), "window_s": 15}
        found.append({"pod": pod["name"], **moment, "containers": usage})
    return found


def metric_of(chance: random.Random, function: str, pods: list[Object]) -> Object:
    """One metric: its function, its target, and what was read: a fifth of it to half as much again."""
    over = chance.uniform(0.2, 1.5)
    metric: Object = {"function": function, "target": _TARGET_MILLI}
    if function == "resource_utilization":
        metric["target"] = _TARGET_PERCENT
    if function.startswith("resource"):
        share = over * _TARGET_PERCENT / 100
        return metric | {"resource": "cpu", "pod_metrics": samples_of(chance, pods, share)}
    read = round(_TARGET_MILLI * over)
    if function.startswith("pods"):
        moment = {"timestamp_s": -9, "window_s": 15, "value_milli": read}
        return metric | {"pod_metrics": [{"pod": pod["name"], **moment} for pod in pods]}
    whole = read * len(pods) if function.endswith("average_value") else read
    if function.startswith("object"):
        return metric | {"metric_value_milli": whole}
    return metric | {"metric_values_milli": [whole // 2, whole - whole // 2]}
