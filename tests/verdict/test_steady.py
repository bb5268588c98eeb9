"""Recovery: the later the shop is well again, the later it counts as recovered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import EXAMPLES

from teastorm.verdict.folder import read_run
from teastorm.verdict.recovery import recovery
from teastorm.verdict.steady import baseline_window, steady
from teastorm.verdict.window import Window

END = 37.0


def tau_when_bad_until(world, until_s: float, path) -> float | None:
    for row in world.requests:
        if row["class"] == "chat" and END <= row["intended_s"] < END + until_s:
            row["status"] = 500
    found = recovery(read_run(world.write(path)), END)
    assert found is not None
    return found.tau_s


@given(st.lists(st.floats(0, 30), min_size=2, max_size=3))
@settings(
    max_examples=max(8, EXAMPLES // 5),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_recovery_is_monotone(protected, tmp_path, untils):
    taus = [tau_when_bad_until(protected.copy(), u, tmp_path / "run") for u in sorted(untils)]
    known = [float("inf") if tau is None else tau for tau in taus]

    assert known == sorted(known)


@pytest.mark.parametrize(("until_s", "tau_s"), [(0.0, 0.0), (4.0, 4.0), (9.0, 9.0), (30.0, None)])
def test_recovery_starts_with_the_first_sound_window(until_s, tau_s, protected, tmp_path):
    assert tau_when_bad_until(protected, until_s, tmp_path / "run") == tau_s


def test_the_baseline_is_the_ten_seconds_that_the_fault_did_not_touch(protected, tmp_path):
    run = read_run(protected.write(tmp_path / "run"))
    window = baseline_window(run)
    facts = steady(run, window)

    assert window == Window(start_s=6.0, end_s=16.0)
    assert facts.good_share == dict.fromkeys(run.meta.deadlines_s, 1.0)
    assert facts.refused_share == 0
    assert facts.waiting_mean == 0
    assert facts.waiting_grows is False


@pytest.mark.parametrize(("until_s", "grows"), [(14.0, False), (17.0, True)])
def test_a_bunch_is_no_queue_that_grows(until_s, grows, protected, tmp_path):
    protected.metrics = [
        (*row[:5], 9.0) if 12.0 <= row[0] < until_s and "waiting" in row[3] else row
        for row in protected.metrics
    ]
    run = read_run(protected.write(tmp_path / "run"))

    assert steady(run, baseline_window(run)).waiting_grows is grows


def test_a_thin_baseline_reaches_further_back(protected, tmp_path):
    protected.requests = [
        row
        for index, row in enumerate(protected.requests)
        if row["phase"] != "before" or index % 6 == 0
    ]
    run = read_run(protected.write(tmp_path / "run"))

    assert baseline_window(run).start_s < 7.0


def test_a_replica_whose_readiness_flaps_is_one(protected, tmp_path):
    def event(t_s: float, kind: str, replica: str) -> dict:
        return {"t_s": t_s, "kind": kind, "service": "inference", "replica": replica}

    protected.events += [
        event(20.0, "replica_unready", "inference-1"),
        event(22.0, "replica_ready", "inference-1"),
        event(24.0, "replica_ready", "inference-1"),
        event(26.0, "replica_unready", "inference-0"),
        event(26.5, "replica_gone", "inference-0"),
    ]
    run = read_run(protected.write(tmp_path / "run"))

    at_s = np.array([3.0, 19.0, 21.0, 23.0, 25.0, 27.0, 39.0])
    assert run.inference_replicas(at_s).tolist() == [2, 2, 1, 2, 2, 1, 2]
