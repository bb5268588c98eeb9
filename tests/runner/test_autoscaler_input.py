"""`autoscaler:` of an experiment: read from its manifest, or refused in one sentence."""

import pytest
from tests.runner.autoscaler_parts import CPU, EXPERIMENTS, HERE, manifest

from teastorm.runner import experiment as experiments
from teastorm.runner.autoscaler import read_autoscaler
from teastorm.runner.problems import RunProblem


def test_it_is_read_from_a_file_beside_the_experiment():
    plan = experiments.read(HERE).autoscaler
    assert (plan.service, plan.request_milli, plan.live.spec.max_replicas) == ("inference", 100, 4)
    assert [(m.name, m.target) for m in plan.live.metrics] == [("teashop_in_flight", 12_000)]
    assert plan.as_json()["sync_s"] == 15
    assert experiments.read(EXPERIMENTS / "milk-tea-day.yaml").autoscaler is None


MEMORY = {
    "type": "Resource",
    "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 60}},
}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (3, "must be a mapping with hpa and request_milli, got 3"),
        ({}, "hpa must be a manifest or the name of its file, got None"),
        ({"hpa": "gone.yaml"}, "gone.yaml cannot be read; name a file beside it"),
        ({"hpa": manifest()}, "request_milli must be a whole number, got None"),
        ({"hpa": manifest(), "request_milli": 0}, "request_milli must be at least 1, got 0"),
        ({"hpa": manifest(), "request_mili": 9}, "request_mili is not known; did you mean"),
        ({"hpa": manifest(maxReplica=3), "request_milli": 9}, "spec.maxReplica is not a known"),
        ({"hpa": manifest(MEMORY), "request_milli": 9}, "'memory' is not measured here; it may"),
        (
            {"hpa": manifest(CPU), "request_milli": 9, "sync_s": 0},
            "sync_s must be above 0, got 0",
        ),
        (
            {"hpa": manifest(CPU), "request_milli": 9, "delay_s": -1},
            "delay_s must be at least 0, got -1",
        ),
        (
            {"hpa": manifest(), "request_milli": 9, "planned": 3},
            "planned must be a list of at_s and min_replicas, got 3",
        ),
        (
            {"hpa": manifest(), "request_milli": 9, "planned": [{"at_s": 3}]},
            "planned[0] must have at_s and min_replicas",
        ),
        (
            {
                "hpa": manifest(),
                "request_milli": 9,
                "planned": [{"at_s": 3, "min_replicas": 2}, {"at_s": 3, "min_replicas": 0}],
            },
            "planned[1].at_s must be above 3, got 3",
        ),
        (
            {"hpa": manifest(scaleTargetRef={"kind": "Deployment", "name": "till"})},
            "spec.scaleTargetRef.name 'till' is no service of the shop",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(value, sentence):
    with pytest.raises(RunProblem) as caught:
        read_autoscaler(value, HERE, "extensions[0]")
    assert caught.value.exit_code == 2
    assert sentence in caught.value.sentence
    assert "late-scaling.yaml" in caught.value.sentence or "gone.yaml" in caught.value.sentence


def test_more_replicas_than_its_maximum_are_refused(broken):
    def edit(document):
        extension = document["extensions"][0]
        extension["autoscaler"] = {"hpa": manifest(), "request_milli": 100}
        extension["replicas"] = {"inference": 5}

    with pytest.raises(RunProblem, match=r"replicas\.inference is above the autoscaler's maxR"):
        experiments.read(broken(edit))
