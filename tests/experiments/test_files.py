"""Every experiment that ships can be run: valid, importable, with checks that it can visit."""

import dataclasses
import importlib
import inspect
import math
from pathlib import Path

import pytest
from chaoslib.experiment import ensure_experiment_is_valid
from chaoslib.loader import load_experiment
from tests.live.longer import held_for

from teastorm.chaos.offering import plan_of
from teastorm.load.draw import draw
from teastorm.runner import experiment as experiments
from teastorm.runner.catalogue import catalogue
from teastorm.runner.experiment import Experiment
from teastorm.verdict.registry import known_ids

DIRECTORY = Path(__file__).parents[2] / "experiments"
FILES = catalogue(DIRECTORY)
EXPECTED = {
    "milk-tea-day",
    "milk-tea-day-12x",
    "late-scaling",
    "overload-3x",
    "replica-loss-gateway",
    "replica-loss-inference",
    "replica-loss-orders",
    "replica-loss-dispatch",
    "inference-out",
    "dispatch-out",
    "below-capacity",
    "crowded-shop",
    "protections-worth",
    "rolling-restart-gateway",
    "rolling-restart-orders",
    "node-drain",
    "postgres-loss",
    "slow-inference",
    "partition-orders-dispatch",
    "name-resolution",
}
SOUND = {
    "fault-proved",
    "generator-healthy",
    "sample-size",
    "baseline-sound",
    "capacity-sound",
    "rollback-proved",
    "replicas-lived",
}

FAULT_LATE_S = 0.5
"""The fault window begins with the act itself, a moment after its phase."""


@pytest.fixture(params=FILES, ids=lambda path: path.stem, scope="module")
def experiment(request: pytest.FixtureRequest) -> Experiment:
    return experiments.read(request.param)


def test_the_catalogue_is_whole() -> None:
    assert {path.stem for path in FILES} == EXPECTED


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_chaos_toolkit_accepts_the_file_as_it_is(path: Path) -> None:
    ensure_experiment_is_valid(load_experiment(str(path)))


def test_every_activity_can_be_called_as_written(experiment: Experiment) -> None:
    document = experiment.document
    activities = [
        *document["steady-state-hypothesis"]["probes"],
        *document["method"],
        *document["rollbacks"],
    ]
    for activity in activities:
        provider = activity["provider"]
        module = importlib.import_module(provider["module"])
        assert provider["func"] in module.__all__
        inspect.signature(getattr(module, provider["func"])).bind(**provider.get("arguments", {}))


def test_it_has_probes_before_during_and_after_and_rolls_back(experiment: Experiment) -> None:
    names = [activity["name"] for activity in experiment.document["method"]]
    kinds = {a["name"]: a["type"] for a in experiment.document["method"]}
    for prefix in ("baseline", "during", "after"):
        found = [name for name in names if name.startswith(prefix)]
        assert found
        assert all(kinds[name] == "probe" for name in found)
    functions = [a["provider"]["func"] for a in experiment.document["method"]]
    assert functions[0] == "begin_load"
    assert functions[-1] == "finish_load"
    assert experiment.document["rollbacks"][0]["provider"]["func"] == "roll_back_faults"
    assert experiment.document["controls"][0]["provider"]["module"] == "teastorm.chaos.control"


def test_faults_run_beside_the_probes(experiment: Experiment) -> None:
    assert experiment.faults
    for activity in experiment.document["method"]:
        if activity["name"] in experiment.faults:
            assert activity["background"] is True


def test_platform_arm_and_seed_are_configuration(experiment: Experiment) -> None:
    configuration = experiment.document["configuration"]
    assert {name: entry["key"] for name, entry in configuration.items()} == {
        "teastorm_platform": "TEASTORM_PLATFORM",
        "teastorm_arm": "TEASTORM_ARM",
        "teastorm_seed": "TEASTORM_SEED",
    }


def test_its_checks_are_known_and_make_the_run_conclusive(experiment: Experiment) -> None:
    assert set(experiment.checks) <= set(known_ids())
    assert set(experiment.checks) >= SOUND


def test_recovery_can_be_watched_long_enough(experiment: Experiment) -> None:
    if "recovery-held" in experiment.checks:
        held_s = experiment.slo.terms.recovery_hold_s
        slowest_s = experiment.slo.objective("recovery-time").limit
        assert experiment.load.after_s >= held_s + slowest_s


def test_recovery_can_be_watched_for_longer_than_a_file_asks(tmp_path: Path) -> None:
    """What the nightly run makes of an experiment is one."""
    longer = experiments.read(held_for(60.0, tmp_path))
    assert longer.slo.terms.recovery_hold_s == longer.slo.objective("recovery-held").limit == 60
    assert longer.load.after_s >= 60 + longer.slo.objective("recovery-time").limit


def test_the_load_holds_enough_samples_for_its_checks(experiment: Experiment) -> None:
    """At the smallest capacity a run may have; what follows checkouts is counted as it is drawn."""
    plan = plan_of(experiment, experiment.load, capacity_rps=60.0)
    start_s, end_s = plan.fault_window()
    chats = sum(
        each.rps * max(0.0, min(each.end_s, end_s) - max(each.start_s, start_s))
        for each in plan.segments()
    )
    # Checkouts do not depend on the capacity, as the many chats beside them do.
    schedule = draw(dataclasses.replace(plan, capacity_rps=1.0), 1)
    others = sum(a.klass != "chat" and start_s <= a.intended_s < end_s for a in schedule.arrivals)
    # Chats are Poisson: three standard deviations fewer is bad luck that hardly anybody meets.
    inside = chats - 3 * chats**0.5 + others
    assert inside >= experiment.slo.objective("sample-size").n_min
    level = {"critical-success": "critical", "critical-plus-success": "critical_plus"}
    for check, criticality in level.items():
        if check in experiment.checks:
            drawn = sum(
                a.criticality == criticality and a.intended_s >= start_s for a in schedule.arrivals
            )
            assert drawn >= experiment.slo.objective(check).n_min, check


def fewer_than(count: int, mean: float) -> float:
    """How likely a Poisson draw of this mean is to be below a count."""
    terms = (math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(count))
    return math.fsum(terms)


def test_hardly_a_seed_has_too_few_checkouts_to_judge(experiment: Experiment) -> None:
    """Each seed draws how many come: at a mean of 616 a quarter of them drew fewer than the 598."""
    if "critical-success" not in experiment.checks:
        return
    load = experiment.load
    seconds = load.fault_s - FAULT_LATE_S + load.after_s
    wanted = experiment.slo.objective("critical-success").n_min
    assert fewer_than(wanted, experiment.mix.critical_rps * seconds) < 1 / 1000


def test_the_demo_fits_into_its_four_minutes() -> None:
    day = experiments.read(DIRECTORY / "milk-tea-day.yaml")
    measuring_s, around_s = 40.0, 12.0
    assert 2 * (day.load.seconds + around_s) + measuring_s <= 240
