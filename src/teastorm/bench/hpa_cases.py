"""Cases for `teastorm hpa replay` to be timed on, one line a seed, of each of the four families.

One metric at one moment; recommendations over time; pods and cpu samples over time; several metrics
at one moment. Equal seeds make equal bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import orjson

from teastorm.autoscale.replay import replay
from teastorm.bench.hpa_pods import (
    REQUEST_MILLI,
    Object,
    function_of,
    metric_of,
    pods_of,
    samples_of,
)

_PODS_USUAL = (1, 12)
_STEPS = (6, 40)
_SYNC_S = 15
_MOST = 50
_START_UP: Object = {"cpu_initialization_period_s": 300, "initial_readiness_delay_s": 30}


def one_metric(seed: int, pods: tuple[int, int] = _PODS_USUAL) -> bytes:
    """A line of family A, with so many pods (fewest, most)."""
    chance = random.Random(f"a:{seed}")
    listed = pods_of(chance, chance.randint(*pods))
    function = function_of(chance)
    return orjson.dumps(
        {
            "id": f"a-{seed}",
            "current_replicas": len(listed),
            "tolerance": {"up": 0.1, "down": 0.1},
            **_START_UP,
            "pods": listed,
            **metric_of(chance, function, listed),
        }
    )


def several_metrics(seed: int) -> bytes:
    """A line of family D: two to four metrics of the same pods."""
    chance = random.Random(f"d:{seed}")
    listed = pods_of(chance, chance.randint(*_PODS_USUAL))
    functions = ["resource_utilization"] + [
        function_of(chance) for _ in range(chance.randint(1, 3))
    ]
    return orjson.dumps(
        {
            "id": f"d-{seed}",
            "spec_replicas": len(listed),
            "status_replicas": len(listed),
            "tolerance": 0.1,
            **_START_UP,
            "pods": listed,
            "metrics": [metric_of(chance, each, listed) for each in functions],
        }
    )


def recommendations(seed: int) -> bytes:
    """A line of family B: what the metrics gave wanders, and fails now and then."""
    chance = random.Random(f"b:{seed}")
    wanted = chance.randint(2, 20)

    def step(_current: int) -> Object:
        nonlocal wanted
        wanted = min(_MOST, max(1, round(wanted * chance.uniform(0.65, 1.4))))
        return {"recommendation": None if chance.random() < 0.03 else wanted}

    return _over_time({"id": f"b-{seed}", **_hpa(chance, most=_MOST - 10)}, wanted, step, chance)


def samples(seed: int) -> bytes:
    """A line of family C: the pods that there are share a load that wanders."""
    chance = random.Random(f"c:{seed}")
    load_milli = chance.uniform(300, 3000)
    case: Object = {
        "id": f"c-{seed}",
        **_hpa(chance, most=12),
        "metric": {"kind": "cpu_utilization", "target": 60},
        "tolerance_effective": {"up": 0.1, "down": 0.1},
    }

    def step(current: int) -> Object:
        nonlocal load_milli
        load_milli = min(4000.0, max(100.0, load_milli * chance.uniform(0.8, 1.25)))
        listed = pods_of(chance, current, containers=1)
        share = min(2.0, load_milli / current / REQUEST_MILLI)
        return {"pods": listed, "pod_metrics": samples_of(chance, listed, share)}

    return _over_time(case, chance.randint(2, 10), step, chance)


def _over_time(
    case: Object, current: int, step: Callable[[int], Object], chance: random.Random
) -> bytes:
    """Steps one after the other: each begins with the replicas that the one before decided."""
    steps: list[Object] = []
    for number in range(chance.randint(*_STEPS)):
        at: Object = {"t": _SYNC_S * number, "current": current}
        steps.append(at | step(current))
        _, answer = next(replay([orjson.dumps(case | {"steps": steps})]))
        told = answer["steps"]
        if not isinstance(told, list):
            raise TypeError("a case over time is answered in steps")
        current = told[-1]["desired"]
    return orjson.dumps(case | {"steps": steps})


def _hpa(chance: random.Random, *, most: int) -> Object:
    """Bounds, the controller's settings, and a behaviour for most of them, as defaulted."""
    behaviour: Object | None = None
    if chance.random() < 0.8:
        behaviour = {
            "scaleUp": _rules(chance, 0, [("Pods", 4), ("Percent", 100)]),
            "scaleDown": _rules(chance, 300, [("Percent", 100)]),
        }
    return {
        "hpa": {"minReplicas": 1, "maxReplicas": most, "behavior": behaviour},
        "behavior_effective": behaviour,
        "controller": {"downscale_stabilization_s": 300, **_START_UP},
    }


def _rules(chance: random.Random, window_s: int, usual: list[tuple[str, int]]) -> Object:
    own = [(chance.choice(("Pods", "Percent")), chance.choice((2, 10, 50))) for _ in range(2)]
    policies = chance.choice((usual, own))
    return {
        "stabilizationWindowSeconds": chance.choice((window_s, 60)),
        "selectPolicy": chance.choice(("Max", "Max", "Min")),
        "policies": [
            {"type": kind, "value": value, "periodSeconds": chance.choice((15, 60))}
            for kind, value in policies
        ],
    }
