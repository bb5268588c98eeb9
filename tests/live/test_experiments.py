"""Every experiment, live; the protections one by one."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from pyarrow import parquet
from tests.live.conftest import Ran, Run, run_once
from tests.live.longer import held_for

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.mark.parametrize("service", ["gateway", "inference", "orders", "dispatch"])
def test_the_loss_of_one_of_two_replicas_holds(run: Run, service: str):
    ran = run(f"replica-loss-{service}")
    assert (ran.code, ran.not_passed()) == (0, {})
    assert ran.result["faults"][0]["proved"]
    assert service in ran.result["faults"][0]["evidence"]


@pytest.mark.parametrize("experiment", ["inference-out", "dispatch-out"])
def test_the_loss_of_all_replicas_is_survived_by_contract(run: Run, experiment: str):
    ran = run(experiment)
    assert (ran.code, ran.not_passed()) == (0, {})


@pytest.mark.parametrize(
    "experiment", ["slow-inference", "partition-orders-dispatch", "name-resolution"]
)
def test_a_fault_of_the_network_is_survived(run: Run, experiment: str):
    ran = run(experiment)
    assert (ran.code, ran.not_passed()) == (0, {})
    assert ran.result["faults"][0]["proved"]


@pytest.mark.parametrize("arm", ["protected", "unprotected"])
def test_below_its_capacity_either_arm_holds(run: Run, arm: str):
    ran = run("below-capacity", "--arm", arm)
    assert (ran.code, ran.not_passed()) == (0, {})


def test_the_day_is_survived_with_protections_and_not_without(run: Run):
    with_them = run("milk-tea-day", "--arm", "protected")
    assert (with_them.code, with_them.not_passed()) == (0, {})
    without = run("milk-tea-day", "--arm", "unprotected")
    assert without.code == 1
    assert without.failed() & {"goodput-retention", "recovery-time", "recovery-held"}


def median_full_answer_s(ran: Ran) -> float:
    """How long those waited in the fault window who got a whole answer of the AI."""
    wanted = {"class": "chat", "phase": "fault", "rung": "full"}
    names = [*wanted, "status", "intended_s", "ended_s"]
    rows = parquet.read_table(ran.folder / "requests.parquet", columns=names).to_pylist()
    waits = [
        row["ended_s"] - row["intended_s"]
        for row in rows
        if row["status"] == 200 and all(row[name] == value for name, value in wanted.items())
    ]
    return statistics.median(waits)


def test_without_deadlines_less_is_served(run: Run, protected: Ran):
    ran = run("overload-3x", "--without", "deadlines")
    assert set(ran.result["difference"]) == {"deadlines"}
    worth = protected.check("goodput-retention")["value"] - (
        ran.check("goodput-retention")["value"] or 0.0
    )
    assert worth > 0 or ran.failed(), ran.not_passed()


def test_without_admission_everybody_waits_until_the_last_moment(protected: Ran, tmp_path: Path):
    """The other protections still keep the goodput; what a limit in front is worth is the wait.

    Nothing is refused then, so the checks on refusals are unknown and it is inconclusive (4):
    repeating it would change nothing.
    """
    ran = run_once(tmp_path, "overload-3x", "--without", "admission")
    assert set(ran.result["difference"]) == {"admission"}
    sound = ("generator-healthy", "baseline-sound", "fault-proved")
    assert [ran.check(name)["status"] for name in sound] == ["pass"] * len(sound)
    assert median_full_answer_s(ran) > 1.5 * median_full_answer_s(protected)


def test_recovery_lasts_for_a_minute(run: Run, tmp_path: Path):
    """As long as DEFINITIONS.md asks of a nightly run; every other test looks for 20 s."""
    ran = run(str(held_for(60.0, tmp_path)))
    assert (ran.code, ran.not_passed()) == (0, {})
    assert ran.check("recovery-held")["limit"] == 60
    assert ran.check("recovery-held")["value"] >= 60


def test_a_crowd_at_one_shop_is_announced_before_it_is_there(run: Run):
    ran = run("crowded-shop")
    assert (ran.code, ran.not_passed()) == (0, {})
    silent = run("crowded-shop", "--without", "notices")
    assert "notice-lead-time" in silent.failed()
