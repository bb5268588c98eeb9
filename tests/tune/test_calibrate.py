"""A recorded run as a service, and as what a verification simulates."""

import json

import pytest

from teashop.resilience.protections import Protections
from teastorm.load.plan import LoadPlan, Phase
from teastorm.runner.opening import HPA_FILE
from teastorm.tune import verify
from teastorm.tune.calibrate import from_run
from teastorm.tune.errors import TuneInvalid

FACTOR = 12.0
PLAN = LoadPlan(
    capacity_rps=60.0,
    phases=(
        Phase(name="baseline", seconds=10, factor=0.5),
        Phase(name="fault", seconds=60, factor=2.0, fault=True),
    ),
)
HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: inference}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: inference}
  minReplicas: 2
  maxReplicas: 4
  metrics:
    - type: Pods
      pods:
        metric: {name: teashop_in_flight}
        target: {type: AverageValue, averageValue: 12}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 300}
"""
CAME = [
    {"kind": "scaled_out", "lag": {"metric_s": 1.0, "start_s": 5.0, "warm_up_s": 1.5}},
    {"kind": "scaled_out", "lag": {"metric_s": 1.0, "start_s": 5.0, "warm_up_s": 2.5}},
]
STARTED = [
    {"t_s": 1.0, "kind": "replica_started", "service": "inference", "replica": "inference-3"},
    {"t_s": 3.0, "kind": "replica_ready", "service": "inference", "replica": "inference-3"},
]


@pytest.fixture
def folder(tmp_path):
    def build(*, events=(), **changes):
        run = {
            "experiment": "made-up",
            "time_factor": FACTOR,
            "protections": dict.fromkeys(Protections.names(), True),
            "replicas": {"gateway": 2, "inference": 2, "orders": 2, "dispatch": 2},
            "capacity": {"rps": 60.0},
            "inference": {
                "max_num_seqs": 16, "ttft_s": 0.08, "itl_s": 0.008, "tokens_full": 40,
                "tokens_short": 20, "slowdown": 1.25, "capacity_theory_rps": 64.0,
            },
        } | changes  # fmt: skip
        files = {
            "load-spec.json": {"plan": PLAN.to_json(), "seed": 1},
            "plan.json": {"load_start_s": 3.5},
            "run.json": run,
            "journal.json": {"run": []},
            "events.json": list(events),
        }
        for name, content in files.items():
            (tmp_path / name).write_text(json.dumps(content))
        return tmp_path

    return build


def test_capacity_start_up_and_demand_come_from_the_run(folder):
    service = from_run(folder(events=CAME))
    assert service.replica_rps == pytest.approx(30.0)
    assert service.startup_s == 7.0 * FACTOR  # the median, in the day's own seconds
    assert service.scenario.demand.seconds == 70 * FACTOR
    assert service.scenario.demand.peak_rps == pytest.approx(120.0)
    assert service.scenario.demand.plan is None
    assert (service.scenario.replicas, service.scenario.window_s) == (2, None)
    assert service.assumed[0].startswith("CPU of a replica: 20m idle")


def test_a_process_that_became_ready_tells_part_of_the_start_up(folder):
    service = from_run(folder(events=STARTED))
    assert service.startup_s == 2.0 * FACTOR
    assert "add the time for a node and an image with --startup-s" in service.assumed[0]
    alone = from_run(folder())
    assert "no replica started in the run" in alone.assumed[0]


def test_without_a_measured_capacity_the_models_speeds_stay(folder):
    assert from_run(folder(capacity={})).replica_rps == pytest.approx(32.0)


def test_a_verification_simulates_the_runs_own_autoscaler(folder):
    scaler = {
        "sync_s": 15, "scrape_s": 15, "delay_s": 5,
        "planned": [{"at_s": 60, "min_replicas": 4}, {"at_s": 600, "min_replicas": 0}],
    }  # fmt: skip
    run = folder(events=CAME, autoscaler=scaler)
    (run / HPA_FILE).write_text(HPA)
    scenario = verify._scenario(run)
    scaling = scenario.scaling
    assert (scaling.sync_s, scaling.lag_s) == (15 / FACTOR, 5 / FACTOR)
    assert scaling.spec.behaviour.down.stabilization_window_s == 300 / FACTOR
    assert [m.name for m in scaling.metrics] == ["in_flight"]
    # The crowd's phase begins 10 s into the load.
    assert [(p.at_s, p.min_replicas) for p in scaling.planned] == [(15, 4), (60, 0)]
    assert scenario.inference.startup_s == 7.0
    assert scenario.inference.capacity_rps(2, 40) == pytest.approx(60.0)
    assert scenario.demand.plan is not None  # the very arrivals


def test_a_run_without_an_autoscaler_cannot_be_verified(folder):
    with pytest.raises(TuneInvalid, match="had no live autoscaler"):
        verify._scenario(folder())


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(TuneInvalid, match="no such file"):
        from_run(tmp_path)
