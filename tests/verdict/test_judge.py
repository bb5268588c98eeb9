"""The verdict as a whole: what holds, what deviates, and by which check."""

from __future__ import annotations

import pytest
from tests.verdict.world import FAULT

from teastorm.verdict.check import Status
from teastorm.verdict.engage import engage_s
from teastorm.verdict.folder import read_run
from teastorm.verdict.registry import ALWAYS
from teastorm.verdict.result import Verdict
from teastorm.verdict.timeline import summary
from teastorm.verdict.work import deliverable_rps


def test_a_protected_run_holds(protected, tmp_path):
    result = protected.judge(tmp_path / "run")

    assert (result.verdict, result.exit_code) == (Verdict.HELD, 0)
    assert {c.status for c in result.checks} == {Status.PASS}
    assert all(c.n >= max(1, c.n_min) for c in result.checks)


def test_a_collapse_deviates_by_goodput_and_recovery(unprotected, tmp_path):
    result = unprotected.judge(tmp_path / "run")

    failed = {c.id for c in result.checks if c.status is Status.FAIL}
    assert result.exit_code == 1
    assert {"goodput-retention", "recovery-time", "retry-amplification", "wasted-work"} <= failed
    assert "goodput-retention" in result.reason


def below_capacity(world, *, planned_rps: float, came_rps: float) -> None:
    """The plan asks for so many chats in the fault window, and so many were drawn, all served."""
    world.run["checks"] = ["goodput-retention", "over-shedding", "critical-success"]
    world.plan["phases"][1] |= {"factor": planned_rps / 60, "chat_rps": planned_rps}
    in_fault = [r for r in world.requests if r["class"] == "chat" and r["phase"] == "fault"]
    served = {r["request_id"] for r in in_fault if r["rung"] == "full"}
    keep = set(sorted(served)[: round(came_rps * 20)])
    world.requests = [
        row
        for row in world.requests
        if row["phase"] != "fault" or row["class"] != "chat" or row["request_id"] in keep
    ]
    chats = {row["request_id"] for row in world.requests if row["class"] == "chat"}
    world.plan["arrivals"] += len(chats) - world.plan["classes"]["chat"]
    world.plan["classes"]["chat"] = len(chats)
    world.load |= dict.fromkeys(("planned", "sent"), world.plan["arrivals"])


def test_both_arms_hold_below_capacity(protected, tmp_path):
    """At .8x retention is measured against what was asked for, not against K."""
    below_capacity(protected, planned_rps=40.0, came_rps=40.0)

    result = protected.judge(tmp_path / "run")

    assert result.exit_code == 0, result.reason
    shed = next(c for c in result.checks if c.id == "over-shedding")
    assert shed.n > 1500


@pytest.mark.parametrize(
    ("came_rps", "good_rps", "status"),
    [
        (34.0, 34.0, Status.PASS),
        (34.0, 30.0, Status.FAIL),
        (40.0, 35.0, Status.FAIL),
        (46.0, 42.0, Status.PASS),
        (46.0, 40.0, Status.FAIL),
    ],
)
def test_who_did_not_come_is_not_missed_and_who_came_beyond_the_plan_is(
    came_rps, good_rps, status, protected, tmp_path
):
    below_capacity(protected, planned_rps=40.0, came_rps=came_rps)
    for row in protected.attempts("chat")[round(good_rps * 20) :]:
        row["status"] = 500

    checks = {check.id: check for check in protected.judge(tmp_path / "run").checks}

    assert checks["goodput-retention"].status is status
    assert checks["goodput-retention"].value == pytest.approx(good_rps / came_rps, abs=0.01)


@pytest.mark.parametrize(
    ("rolled_back", "verdict"), [(True, Verdict.INTERRUPTED), (False, Verdict.ROLLBACK_FAILED)]
)
def test_who_interrupts_a_run_is_told_so_when_its_faults_are_over(
    rolled_back, verdict, protected, tmp_path
):
    """Chaos Toolkit plays no rollback then; the runner ends the faults by itself."""
    protected.journal |= {
        "status": "interrupted",
        "experiment": {"rollbacks": [{"name": "roll-faults-back"}]},
    }
    protected.faults[0]["rolled_back"] = rolled_back

    assert protected.judge(tmp_path / "run").verdict is verdict


def test_follow_ups_of_orders_that_never_were_are_not_the_generators_fault(protected, tmp_path):
    protected.run["checks"] = ["goodput-retention"]
    for row in protected.attempts("checkout")[:60]:
        row |= {"status": 503, "reason": "dependency", "order_id": "", "retry_after_s": 2.0}
    gone = {row["request_id"] for row in protected.attempts("status")[:60]}
    protected.requests = [row for row in protected.requests if row["request_id"] not in gone]
    protected.load["absent"] = len(gone)
    for name in ("planned", "sent"):
        protected.load[name] -= len(gone)

    assert protected.judge(tmp_path / "run").exit_code == 0


def test_a_lost_replica_leaves_half_of_the_capacity(protected, tmp_path):
    protected.run["checks"] = ["goodput-retention"]
    gone = {"replica": "inference-0", "pid": 7, "started": 1.5}
    came = {"replica": "inference-0", "pid": 9, "started": 20.5}
    protected.faults[0] |= {
        "kind": "replica-loss",
        "planned": {"signal": "KILL"},
        "before": [gone],
        "after": [came],
    }
    kept = 31.0 * 20
    full = [r for r in protected.attempts("chat") if r["rung"] == "full"]
    for row in full[int(kept) :]:
        row["status"] = 500

    result = protected.judge(tmp_path / "run")

    retention = next(c for c in result.checks if c.id == "goodput-retention")
    assert retention.value == pytest.approx(31.0 / 30.0, rel=0.01)
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("lost", "of", "left_rps"), [(1, 2, 30.0), (1, 4, 45.0), (3, 4, 15.0), (2, 2, 0.0)]
)
def test_as_much_capacity_is_left_as_replicas(lost, of, left_rps, protected, tmp_path):
    protected.run["replicas"]["inference"] = of
    protected.faults[0] |= {"kind": "replica-loss", "planned": {"signal": "KILL", "count": lost}}
    run = read_run(protected.write(tmp_path / "run"))

    assert deliverable_rps(run, run.fault_window) == pytest.approx(left_rps)


@pytest.mark.parametrize(("until_s", "engaged_s"), [(0, 0.0), (5, 5.0), (20, None)])
def test_it_engages_when_the_critical_are_served_from_then_on(
    until_s, engaged_s, protected, tmp_path
):
    for row in protected.attempts("checkout"):
        if row["intended_s"] < FAULT + until_s:
            row |= {"status": 500, "order_id": ""}
    run = read_run(protected.write(tmp_path / "run"))

    assert engage_s(run) == engaged_s
    assert summary(run)["fault"].get("engage_s") == engaged_s


def test_users_are_compared_within_their_level(protected, tmp_path):
    """A level that is shed as a whole is no unfairness among those of the level above it."""
    chats = [row for row in protected.requests if row["class"] == "chat"]
    lowered = [row for row in chats if int(row["user"][1:]) < 48]
    for row in lowered:
        row["criticality"] = "sheddable"
    no = {"status": 503, "rung": "refused", "reason": "priority", "refused_for": "inference"}
    for row in lowered:
        if row["phase"] == "fault":
            row.update(no | {"retry_after_s": 2.0, "right": False, "sequence_s": 0.0})

    result = protected.judge(tmp_path / "run")

    fairness = next(c for c in result.checks if c.id == "fairness")
    assert fairness.status is Status.PASS, fairness.why
    assert fairness.n == 49
    assert "of sheddable_plus" in fairness.why


def test_a_failed_check_names_its_requests(protected, tmp_path):
    slow = {row["request_id"] for row in protected.refusals()[::20]}
    for row in protected.refusals()[::20]:
        row["ended_s"] += 0.2
    result = protected.judge(tmp_path / "run")

    found = next(c for c in result.checks if c.id == "refusals-fast")
    assert set(found.evidence) <= slow
    assert found.evidence


def test_what_an_experiment_forgets_to_declare_is_checked_all_the_same(protected, tmp_path):
    protected.run["checks"] = ["goodput-retention"]
    protected.faults[0]["proved"] = False

    result = protected.judge(tmp_path / "run")

    assert {c.id for c in result.checks} == {*ALWAYS, "goodput-retention"}
    assert result.exit_code == 4
