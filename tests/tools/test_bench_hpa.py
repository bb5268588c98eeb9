"""The autoscaler's row of `make bench`: cases as people have them, every one of them decided."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest

from teastorm.autoscale.replay import replay
from teastorm.bench import hpa, hpa_cases

FAMILIES = {
    "a": hpa_cases.one_metric,
    "b": hpa_cases.recommendations,
    "c": hpa_cases.samples,
    "d": hpa_cases.several_metrics,
}
BYTES = {"a": 1882, "b": 98, "c": 1705, "d": 2589}
"""A decision's in the 140 cases that were published with Kubernetes' answers, those left out."""


def steps_of(case):
    return case.get("steps", [case])


def bytes_a_decision(lines):
    return sum(map(len, lines)) / sum(len(steps_of(orjson.loads(line))) for line in lines)


def answered(family):
    return [answer for _, answer in replay(FAMILIES[family](seed) for seed in range(40))]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_decision_is_as_large_as_in_the_cases_that_kubernetes_answered(family):
    ours = bytes_a_decision([FAMILIES[family](seed) for seed in range(40)])
    assert 0.7 < ours / BYTES[family] < 1.4


@pytest.mark.parametrize("family", "ad")
def test_at_one_moment_all_directions_come_and_none_by_mistake(family):
    found = Counter(answer["direction"] for answer in answered(family))
    assert set(found) <= {"up", "down", "hold", "error"}
    assert min(found[each] for each in ("up", "down", "hold")) >= 2
    assert found["error"] <= 4


@pytest.mark.parametrize("family", "bc")
def test_over_time_replicas_go_both_ways_and_begin_where_the_step_before_ended(family):
    ways = Counter()
    for seed in range(20):
        [(line, answer)] = replay([FAMILIES[family](seed)])
        steps = orjson.loads(line)["steps"]
        decided = [step["desired"] for step in answer["steps"]]
        assert [step["current"] for step in steps[1:]] == decided[:-1]
        for step, desired in zip(steps, decided, strict=True):
            ways[(desired > step["current"]) - (desired < step["current"])] += 1
    assert min(ways[way] for way in (-1, 0, 1)) >= 10


def test_a_seed_makes_the_same_bytes_again():
    for make in FAMILIES.values():
        assert make(3) == make(3) != make(4)


def test_a_row_a_family_beside_the_json_alone():
    rows = hpa.rows(rounds=1, decisions=100)
    assert [what for what, _, _ in rows] == [f"HPA replay, {name}" for name in hpa._CASES]
    for _, rate, beside in rows:
        assert float(rate.split()[0].replace(",", "")) > 0
        assert float(beside.split("x")[0]) > 0
