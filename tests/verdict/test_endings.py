"""Whose end counts against a run: what it asked for itself never does, and a crash is no mere doubt."""

from __future__ import annotations

import pytest
from tests.verdict import broken_replicas as broken
from tests.verdict.broken_replicas import AT, event
from tests.verdict.world import END, FAULT, STOP

from teastorm.verdict.endings import undeclared
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.folder import read_run
from teastorm.verdict.result import Verdict


def found(world, tmp_path):
    return undeclared(read_run(world.write(tmp_path / "run")))


def scaled_down_by_the_local_autoscaler(w):
    w.events += [
        event("replica_unready", "inference-2", detail="stopping"),
        event("replica_gone", "inference-2", t_s=AT + 1, detail="exit 0"),
        event("replica_started", "inference-3", t_s=AT + 2),
    ]


def scaled_down_by_an_hpa(w):
    w.events += [
        event("replica_unready", "inference-2", detail="stopping", uid="a/0"),
        event("replica_gone", "inference-2", t_s=AT + 9, detail="Completed, exit 0", uid="a/0"),
        event("replica_started", "inference-3", t_s=AT + 20, uid="b/0"),
    ]


def restarted_one_after_the_other(w):
    w.faults[0] |= {"kind": "rolling-restart", "service": "orders"}
    w.faults[0] |= {
        name: [{"replica": f"orders-{i}", "pid": i, "started": 1.0} for i in who]
        for name, who in (("before", (0, 1)), ("after", (2, 3)))
    }
    for i in (0, 1):
        t_s = FAULT + 4 + 8 * i
        w.events += [
            event("replica_started", f"orders-{2 + i}", t_s=t_s + 0.5, uid=f"n{i}/0"),
            event("replica_unready", f"orders-{i}", t_s=t_s, detail="stopping", uid=f"o{i}/0"),
            event("replica_gone", f"orders-{i}", t_s=t_s + 6, detail="Completed, exit 0"),
        ]


def drained_as_declared(w):
    w.faults[0] |= {"kind": "node-drain", "service": "gateway", "planned": {"node": None}}
    for name in ("orders-1", "gateway-1", "inference-1"):
        w.events += [
            event("replica_unready", name, detail="stopping", uid="a/0"),
            event("replica_gone", name, t_s=AT + 9, detail="EvictionByEvictionAPI", uid="a/0"),
        ]


def killed_by_liveness_as_it_hung(w):
    w.faults[0] |= {"kind": "hang", "ended_s": FAULT + 6, "healed_s": FAULT + 30}
    w.faults[0] |= {"planned": {"count": 1, "hold_s": 6}}
    w.events[1]["t_s"] = FAULT + 6
    w.events.append(
        event("replica_restarted", "inference-0", t_s=FAULT + 25, detail="Error, exit 137", uid="a")
    )


def torn_down_when_all_was_over(w):
    w.events += [
        event("replica_gone", f"orders-{i}", t_s=STOP + 3, detail="exit -9") for i in (0, 1)
    ]


def its_readiness_flapped(w):
    w.events += [event("replica_unready", "orders-1"), event("replica_ready", "orders-1", t_s=END)]


def its_start_time_is_the_same_all_along(w):
    w.metrics += [
        (t, "orders", "orders-1", "process_start_time_seconds", "", 1e9 + 0.01 * (t % 2))
        for t in range(60)
    ]


@pytest.mark.parametrize(
    "happened",
    [
        scaled_down_by_the_local_autoscaler,
        scaled_down_by_an_hpa,
        restarted_one_after_the_other,
        drained_as_declared,
        killed_by_liveness_as_it_hung,
        torn_down_when_all_was_over,
        its_readiness_flapped,
        its_start_time_is_the_same_all_along,
    ],
)
def test_what_the_run_asked_for_is_no_ending_of_its_own(happened, protected, tmp_path):
    happened(protected)

    assert found(protected, tmp_path) == ()


@pytest.mark.parametrize(
    ("break_it", "verdict", "said"),
    [
        (broken.a_replica_crashed, Verdict.DEVIATED, "orders-1 at 22.0 s (exit 1)"),
        (
            broken.a_container_ran_out_of_memory,
            Verdict.DEVIATED,
            "its container ended and was restarted: OOMKilled, exit 137",
        ),
        (broken.killed_by_a_stranger, Verdict.INCONCLUSIVE, "no declared fault ended orders-1"),
        (broken.deleted_by_hand, Verdict.INCONCLUSIVE, "its pod was deleted and replaced"),
    ],
)
def test_a_crash_fails_the_shop_and_a_strangers_hand_voids_the_run(
    break_it, verdict, said, protected, tmp_path
):
    break_it(protected)

    result = protected.judge(tmp_path / "run")

    assert result.verdict is verdict
    assert said in result.reason


def test_a_restart_that_both_witnesses_tell_of_is_one(protected, tmp_path):
    broken.a_process_began_anew_and_no_event_tells(protected)
    protected.events.append(
        event("replica_restarted", "orders-1", t_s=AT + 1, detail="Error, exit 1", uid="a/1")
    )

    assert [ending.how for ending in found(protected, tmp_path)] == [
        "its container ended and was restarted: Error, exit 1"
    ]


def test_a_folder_older_than_the_check_is_judged_without_it(protected, tmp_path):
    del protected.run["slo"]["objectives"]["replicas-lived"]
    protected.run["checks"].remove("replicas-lived")

    result = protected.judge(tmp_path / "run")

    assert result.verdict is Verdict.HELD
    assert "replicas-lived" not in {check.id for check in result.checks}


def test_an_objective_that_a_declared_check_needs_is_missed(protected, tmp_path):
    del protected.run["slo"]["objectives"]["replicas-lived"]

    with pytest.raises(
        RunFolderError, match="replicas-lived is missing; write its limit and n_min"
    ):
        protected.judge(tmp_path / "run")
