"""`teastorm simulate`: what it prints, what it refuses, what survives an interrupt."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import orjson
import pytest
from click.testing import CliRunner
from tests.waiting import until

from teastorm.cli.simulate import simulate as command
from teastorm.simulate import Demand, ScenarioInvalid, Step
from teastorm.simulate import run as running
from teastorm.simulate.asked import Asked, scenario_of
from teastorm.simulate.many import run_seeds

SMALL = ("--orders", "300")


def run(*words: str):
    return CliRunner().invoke(command, words, standalone_mode=False)


def sentence(*words: str) -> str:
    result = run(*words)
    error = result.exception
    assert error is not None, result.output
    assert getattr(error, "exit_code", None) == 2, error
    return getattr(error, "sentence", str(error))


def test_json_is_versioned_and_whole():
    result = run(*SMALL, "--seed", "9", "--json")
    assert result.exit_code == 0
    told = orjson.loads(result.stdout)
    assert told["schema"] == "teastorm.simulate/1"
    (only,) = told["runs"]
    assert only["schema"] == "teastorm.simulation/1"
    assert only["seed"] == 9
    assert abs(only["classes"]["chat"]["offered"] - 300) < 80
    assert told["summary"]["goodput_rps"]["mean"] == pytest.approx(
        only["classes"]["chat"]["goodput_rps"]
    )


def test_people_get_a_table():
    result = run(*SMALL)
    assert "chat" in result.stdout
    assert "goodput/s" in result.stdout


def test_an_experiment_and_its_arms():
    protected = run("--experiment", "overload-3x", "--json")
    bare = run("--experiment", "overload-3x", "--arm", "unprotected", "--json")
    goodput = [
        orjson.loads(r.stdout)["runs"][0]["classes"]["chat"]["goodput_rps"]
        for r in (protected, bare)
    ]
    assert goodput[0] > 3 * goodput[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "gateway.ai_quue=3"), "did you mean 'ai_queue'"),
        (("--set", "gatway.ai_queue=3"), "did you mean 'gateway'"),
        (("--set", "nonsense"), "write SECTION.NAME=VALUE"),
        (("--set", "gateway.ai_queue=-1"), "ai_queue must be at least 0"),
        (("--set", "inference.slowdown=0.5"), "slowdown must be at least 1"),
        (("--without", "admision"), "did you mean 'admission'"),
        (("--experiment", "overload-3"), "no such experiment"),
        (("--experiment", "inference-out"), "lose_all of inference is not modelled"),
        (("--experiment", "slow-inference"), "slow_edge of inference is not modelled"),
        (("--experiment", "postgres-loss"), "lose_database of the shop is not modelled"),
        (("--experiment", "replica-loss-orders"), "lose_replica of orders is not modelled"),
        (("--experiment", "overload-3x", "--orders", "9"), "does not go with --experiment"),
        (("--experiment", "overload-3x", "--demand", "x.csv"), "one of --experiment and --demand"),
        (("--demand", "nowhere.csv"), "nowhere.csv: no such file"),
        (("--demand", "run:nowhere"), "no such file; name the folder of a finished run"),
        (("--demand", "prometheus:http://p?query=x"), "a Prometheus is read by `teastorm tune`"),
        (("--orders", "5e9"), "wants 1.34e+04 inference replicas, 10000 is the most"),
        (
            ("--orders", "1e12"),
            "inference replicas, 10000 is the most; give fewer orders, a longer",
        ),
        (("--orders", "1e12", "--replicas", "9"), "1e+12 chats would come, 1e+10 is the most"),
        (("--check-live", "nowhere"), "no such file"),
        (("--check-theory", "--seeds", "3"), "at least 10 seeds"),
        (("--hpa", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
    ],
)
def test_bad_input_is_one_sentence(words, told):
    said = sentence(*words)
    assert told in said
    assert "\n" not in said


HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: inference}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: inference}
  maxReplicas: 4
  metrics:
    - type: TYPE
      KIND:
        metric: {name: METRIC}
        target: {type: AverageValue, averageValue: 4}
"""


@pytest.mark.parametrize(
    ("kind", "metric", "meant"),
    [
        ("pods", "teashop_in_flight", "in_flight"),
        ("external", "teashop_offered_rps", "offered_rps"),
        ("pods", "in_flight", "in_flight"),
    ],
)
def test_a_manifest_may_name_metrics_as_the_shop_exports_them(tmp_path, kind, metric, meant):
    """So do those that `teastorm tune` writes."""
    path = tmp_path / "hpa.yaml"
    text = HPA.replace("TYPE", kind.capitalize()).replace("KIND", kind)
    path.write_text(text.replace("METRIC", metric))
    (target,) = scenario_of(Asked(hpa=path)).scaling.metrics
    assert target.name == meant


def test_a_metric_that_is_not_simulated_is_named_with_its_file(tmp_path):
    path = tmp_path / "hpa.yaml"
    path.write_text(HPA.replace("TYPE", "Pods").replace("KIND", "pods").replace("METRIC", "depth"))
    said = sentence(*SMALL, "--hpa", str(path))
    assert said.startswith(f"{path}: Scaling.metrics: 'depth' is no ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty; it needs a header"),
        ("minute,relative_rate\n", "the largest relative_rate must be 1"),
        ("minute,relative_rate\n0,1\n2,.5\n1,.2\n", "row 4: minute must be above 2"),
    ],
)
def test_a_broken_demand_file_is_refused(tmp_path, text, told):
    path = tmp_path / "demand.csv"
    path.write_text(text)
    said = sentence("--demand", str(path))
    assert told in said
    assert str(path) in said


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ((), "it is empty"),
        ((Step(0.0, 5.0, 1.0), Step(4.0, 6.0, 1.0)), "must start at 5 s"),
        ((Step(0.0, 5.0, 1.0), Step(7.0, 9.0, 1.0)), "neither fall nor leave gaps"),
        ((Step(0.0, 5.0, -1.0),), "0 or above"),
        ((Step(0.0, 5.0, 0.0),), "nobody would come"),
        ((Step(0.0, 0.0, 1.0),), "must end after"),
        ((Step(0.0, 5.0, float("nan")),), "must be three numbers"),
    ],
)
def test_an_impossible_demand_is_refused(steps, told):
    with pytest.raises(ScenarioInvalid, match=told):
        Demand(name="bad", steps=steps)


def test_rates_from_points_must_rise():
    assert Demand.of_rates("p", [(10.0, 5.0), (12.0, 0.0)]).steps == (Step(0.0, 2.0, 5.0),)
    with pytest.raises(ScenarioInvalid, match="point 3: times must rise, got 2 after 3"):
        Demand.of_rates("p", [(1.0, 5.0), (3.0, 5.0), (2.0, 5.0)])


def test_progress_is_told_and_is_not_in_the_result(make_storm, monkeypatch):
    seen: list[tuple[float, int]] = []
    scenario = make_storm(
        demand=replace(
            make_storm().demand, steps=tuple(Step(float(n), n + 1.0, 90.0) for n in range(9))
        ),
        window_s=None,
    )
    told = running.simulate(scenario, 1, progress=lambda now_s, came: seen.append((now_s, came)))
    assert [now_s for now_s, _ in seen] == [float(n) for n in range(9)]
    assert sorted(seen) == seen
    assert seen[-1][1] > 400
    assert told == running.simulate(scenario, 1)
    monkeypatch.setattr("teastorm.cli.simulate._TELL_EVERY_S", 0.0)
    result = run(*SMALL, "--json")
    assert " wishes\n" in result.stderr
    assert result.stdout == run(*SMALL, "--json").stdout


def test_what_was_finished_is_not_simulated_again(make_storm, tmp_path, monkeypatch):
    scenario, kept = make_storm(), tmp_path / "kept.jsonl"
    whole = run_seeds(scenario, (1, 2), kept=kept)
    lines = kept.read_bytes().splitlines(keepends=True)
    assert len(lines) == 2
    kept.write_bytes(lines[0] + lines[1][:40])  # as an interrupt leaves it
    again: list[int] = []
    monkeypatch.setattr(
        "teastorm.simulate.many.simulate",
        lambda scenario, seed, **_: again.append(seed) or running.simulate(scenario, seed),
    )
    assert run_seeds(scenario, (1, 2), kept=kept) == whole
    assert again == [2]
    assert run_seeds(scenario, (1, 2), kept=kept) == whole
    assert again == [2]


def test_another_scenarios_file_is_refused(make_storm, tmp_path):
    kept = tmp_path / "kept.jsonl"
    run_seeds(make_storm(), (1,), kept=kept)
    with pytest.raises(ScenarioInvalid, match=r"kept\.jsonl: line 1 is of another scenario"):
        run_seeds(make_storm(replicas=3), (1,), kept=kept)


@pytest.mark.parametrize("content", [b"title: mine\n", b"[1, 2]\n", b'{"other":', b"\0" * 9])
def test_nothing_is_added_to_a_file_of_something_else(content, make_storm, tmp_path):
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(content)
    with pytest.raises(ScenarioInvalid, match=r"kept\.jsonl: line 1 is no kept seed"):
        run_seeds(make_storm(), (1,), kept=kept)
    assert kept.read_bytes() == content


def test_an_interrupt_keeps_the_finished_seeds(tmp_path):
    kept = tmp_path / "kept.jsonl"
    words = ("simulate", "--orders", "1500", "--seeds", "500", "--keep", str(kept))
    process = subprocess.Popen(
        (sys.executable, "-m", "teastorm.cli.main", *words),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    )
    try:

        def one_is_kept() -> bool:
            assert process.poll() is None
            return kept.exists() and b"\n" in kept.read_bytes()

        until(one_is_kept, "a seed was kept", 120)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
    seeds = [orjson.loads(line)["result"]["seed"] for line in kept.read_bytes().splitlines()]
    assert seeds == list(range(1, 1 + len(seeds)))
    assert 0 < len(seeds) < 500
