"""Predicted beside measured: a run folder whose log says exactly what it should be compared to."""

import json

import pytest

from teashop.resilience.protections import Protections
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.records import REQUESTS_SCHEMA, to_table, write_requests
from teastorm.simulate import ScenarioInvalid
from teastorm.simulate.asked import Asked
from teastorm.simulate.asked import scenario_of as asked_scenario
from teastorm.simulate.live import compare, scenario_of

START_S = 3.5
PLAN = LoadPlan(
    capacity_rps=64.0,
    phases=(
        Phase(name="baseline", seconds=4, factor=0.5),
        Phase(name="fault", seconds=6, factor=0.5, fault=True),
    ),
)


def row(intended_s: float, latency_s: float, **changes: object) -> tuple[object, ...]:
    plain = {
        "class": "chat", "criticality": "sheddable_plus", "attempt": 1, "status": 200,
        "rung": "full", "right": True, "final": True, "intended_s": intended_s,
        "sent_s": intended_s, "ended_s": intended_s + latency_s,
    } | changes  # fmt: skip
    zero = {"string": "", "double": 0.0, "int32": 0, "bool": False}
    return tuple(plain.get(field.name, zero[str(field.type)]) for field in REQUESTS_SCHEMA)


@pytest.fixture
def folder(tmp_path):
    def write(name: str, content: object) -> None:
        (tmp_path / name).write_text(json.dumps(content))

    write("load-spec.json", {"plan": PLAN.to_json(), "seed": 1})
    write("plan.json", {"load_start_s": START_S})
    run = {
        "experiment": "made-up",
        "protections": dict.fromkeys(Protections.names(), True),
        "replicas": {"gateway": 2, "inference": 2, "orders": 2, "dispatch": 2},
        "inference": {
            "max_num_seqs": 16, "ttft_s": 0.08, "itl_s": 0.008, "tokens_full": 40,
            "tokens_short": 20, "slowdown": 1.25, "capacity_theory_rps": 64.0,
        },
    }  # fmt: skip
    write("run.json", run)
    late = {"module": "teastorm.chaos.actions", "func": "scale_late",
            "arguments": {"service": "inference", "to": 3, "trigger_s": 2, "startup_s": 1}}  # fmt: skip
    write("journal.json", {"run": [{"activity": {"name": "scale-late", "provider": late}}]})
    inside = [START_S + 4 + 6 * n / 180 for n in range(180)]
    rows = [row(t, 0.45 if n % 2 else 0.46) for n, t in enumerate(inside)]
    rows += [
        row(START_S + 1.0, 0.9),
        row(inside[0], 2.5),
        row(inside[0], 0.1, status=503, rung="refused"),
    ]
    rows += [
        row(inside[0], 0.1, final=False),
        row(inside[0], 0.1, **{"class": "menu", "rung": "none"}),
    ]
    write_requests(tmp_path / "requests.parquet", to_table(rows))
    return tmp_path


def test_the_scenario_is_the_runs(folder):
    scenario = scenario_of(folder)
    assert scenario.window_s == (4.0, 10.0)
    assert scenario.demand.plan == PLAN
    assert scenario.protections == Protections.all_on()
    (scaled,) = scenario.events
    assert (scaled.at_s, scaled.count, scaled.startup_s) == (6.0, 3, 1.0)


def test_measured_is_what_the_log_says_of_the_window(folder):
    figures = {f.name: f for f in compare(folder, (1, 2))}
    assert figures["goodput_rps"].measured == pytest.approx(180 / 6)
    assert figures["refused_share"].measured == pytest.approx(1 / 182)
    assert figures["p99_s"].measured == pytest.approx(0.46)
    # Half of capacity: nearly everybody is served within half a second.
    assert figures["goodput_rps"].predicted == pytest.approx(32, rel=0.15)
    assert figures["p50_s"].predicted == pytest.approx(0.45, rel=0.1)
    assert figures["goodput_rps"].within
    assert figures["goodput_rps"].half_width is not None


def test_a_prediction_that_is_off_is_seen(folder):
    rows = [row(START_S + 4 + n / 10, 1.9) for n in range(60)]
    write_requests(folder / "requests.parquet", to_table(rows))
    figures = {f.name: f for f in compare(folder, (1,))}
    assert not figures["goodput_rps"].within
    assert figures["goodput_rps"].error > 1
    assert not figures["p99_s"].within


@pytest.mark.parametrize("name", ["load-spec.json", "run.json", "plan.json", "requests.parquet"])
def test_a_damaged_folder_is_refused_in_one_sentence(folder, name):
    (folder / name).write_text("{}" if name != "requests.parquet" else "no parquet")
    with pytest.raises(ScenarioInvalid) as told:
        compare(folder, (1,))
    assert str(folder) in str(told.value)
    assert "\n" not in str(told.value)


def test_a_recorded_run_keeps_its_protections_unless_an_arm_is_named(folder):
    run = json.loads((folder / "run.json").read_text())
    run["protections"]["ladder"] = False
    (folder / "run.json").write_text(json.dumps(run))
    asked = Asked(demand=f"run:{folder}", off=("codel",))
    recorded = asked_scenario(asked).protections
    assert not recorded.ladder
    assert not recorded.codel
    assert recorded.deadlines
    assert asked_scenario(Asked(demand=f"run:{folder}", arm="protected")).protections.ladder
