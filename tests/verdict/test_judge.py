"""The verdict as a whole: what holds, what deviates, and which exit goes before which."""

from __future__ import annotations

import itertools
from pathlib import Path

import jsonschema
import orjson
import pyarrow.parquet as pq
import pytest

from teastorm.verdict.check import Check, Role, Status
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.judge import ALWAYS, decide, judge
from teastorm.verdict.registry import entries
from teastorm.verdict.result import EXIT, Verdict, write_result

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "result.schema.json"
FILES = ("run", "plan", "load", "faults", "events", "ledger")
BY_ROLE = {
    Role.ROLLBACK: "rollback-proved",
    Role.PRECONDITION: "baseline-sound",
    Role.LEDGER: "ledger-no-loss",
    Role.VOID: "generator-healthy",
    Role.OBJECTIVE: "goodput-retention",
}


def check(check_id: str, status: Status) -> Check:
    value = None if status is Status.UNKNOWN else 1.0
    return Check(
        id=check_id,
        status=status,
        value=value,
        limit=1.0,
        unit="share",
        n=10,
        n_min=1,
        why="because",
        fix="mend it",
    )


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


def test_both_arms_hold_below_capacity(protected, tmp_path):
    """At .8x retention is measured against what was asked for, not against K."""
    protected.run["checks"] = ["goodput-retention", "over-shedding", "critical-success"]
    protected.plan["phases"][1] |= {"factor": 0.66, "chat_rps": 40.0}
    in_fault = [r for r in protected.requests if r["class"] == "chat" and r["phase"] == "fault"]
    served = {r["request_id"] for r in in_fault if r["rung"] == "full"}
    keep = set(sorted(served)[: 40 * 20])
    protected.requests = [
        row
        for row in protected.requests
        if row["phase"] != "fault" or row["class"] != "chat" or row["request_id"] in keep
    ]
    chats = {row["request_id"] for row in protected.requests if row["class"] == "chat"}
    protected.plan["arrivals"] += len(chats) - protected.plan["classes"]["chat"]
    protected.plan["classes"]["chat"] = len(chats)
    protected.load |= dict.fromkeys(("planned", "sent"), protected.plan["arrivals"])

    result = protected.judge(tmp_path / "run")

    assert result.exit_code == 0, result.reason
    shed = next(c for c in result.checks if c.id == "over-shedding")
    assert shed.n > 1500


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


@pytest.mark.parametrize("arm", ["protected", "unprotected"])
def test_the_result_keeps_to_its_published_schema(arm, request, tmp_path):
    run_dir = tmp_path / "run"
    result = request.getfixturevalue(arm).judge(run_dir)
    path = write_result(run_dir, result)

    raw = orjson.loads(path.read_bytes())
    schema = orjson.loads(SCHEMA.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(raw, schema)
    for row in raw["checks"]:
        file = run_dir / "evidence" / f"{row['id']}.json"
        assert (row["evidence"] is not None) == file.exists()
        if file.exists():
            assert orjson.loads(file.read_bytes())["ids"]


def test_a_failed_check_names_its_requests(protected, tmp_path):
    slow = {row["request_id"] for row in protected.refusals()[::20]}
    for row in protected.refusals()[::20]:
        row["ended_s"] += 0.2
    result = protected.judge(tmp_path / "run")

    found = next(c for c in result.checks if c.id == "refusals-fast")
    assert set(found.evidence) <= slow
    assert found.evidence


def test_the_schema_refuses_what_no_verdict_says(protected, tmp_path):
    raw = protected.judge(tmp_path / "run").as_json()
    schema = orjson.loads(SCHEMA.read_bytes())

    for spoiled in (
        raw | {"exit_code": 2},
        raw | {"verdict": "fine"},
        {key: value for key, value in raw.items() if key != "seed"},
        raw | {"checks": [{"id": "x"}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(orjson.loads(orjson.dumps(spoiled)), schema)


ORDER = (
    (Role.ROLLBACK, Verdict.ROLLBACK_FAILED),
    (None, Verdict.INTERRUPTED),
    (Role.PRECONDITION, Verdict.PRECONDITION),
    (Role.LEDGER, Verdict.DEVIATED),
    (Role.VOID, Verdict.INCONCLUSIVE),
    (Role.OBJECTIVE, Verdict.DEVIATED),
)


@pytest.mark.parametrize("broken", list(itertools.product([False, True], repeat=len(ORDER))))
def test_the_first_of_the_precedence_decides(broken):
    checks, interrupted = [], False
    for (role, _), is_broken in zip(ORDER, broken, strict=True):
        if role is None:
            interrupted = is_broken
        else:
            checks.append(check(BY_ROLE[role], Status.FAIL if is_broken else Status.PASS))
    expected = next((v for (_, v), bad in zip(ORDER, broken, strict=True) if bad), Verdict.HELD)

    assert decide(checks, interrupted=interrupted)[0] is expected


@pytest.mark.parametrize("role", list(Role))
def test_an_unknown_is_never_held(role):
    checks = [check(i, Status.PASS) for r, i in BY_ROLE.items() if r is not role]
    checks.append(check(BY_ROLE[role], Status.UNKNOWN))

    assert decide(checks, interrupted=False)[0] is Verdict.INCONCLUSIVE


def test_no_checks_are_no_verdict():
    assert decide([], interrupted=False)[0] is Verdict.INCONCLUSIVE


def test_a_pass_needs_a_value_and_samples():
    with pytest.raises(ValueError, match="a pass needs"):
        Check(
            id="x",
            status=Status.PASS,
            value=1.0,
            limit=1.0,
            unit="",
            n=1,
            n_min=2,
            why="because",
            fix="",
        )


def test_every_role_is_there_and_every_verdict_has_its_exit():
    assert {entry.role for entry in entries().values()} == set(Role)
    assert EXIT == {
        Verdict.HELD: 0,
        Verdict.DEVIATED: 1,
        Verdict.PRECONDITION: 3,
        Verdict.INCONCLUSIVE: 4,
        Verdict.ROLLBACK_FAILED: 5,
        Verdict.INTERRUPTED: 130,
    }


def test_what_an_experiment_forgets_to_declare_is_checked_all_the_same(protected, tmp_path):
    protected.run["checks"] = ["goodput-retention"]
    protected.faults[0]["proved"] = False

    result = protected.judge(tmp_path / "run")

    assert {c.id for c in result.checks} == {*ALWAYS, "goodput-retention"}
    assert result.exit_code == 4


def test_an_interrupted_run_says_so_though_files_are_missing(protected, tmp_path):
    run_dir = protected.write(tmp_path / "run")
    (run_dir / "requests.parquet").unlink()
    with pytest.raises(RunFolderError, match=r"requests\.parquet is missing"):
        judge(run_dir)
    protected.journal["status"] = "interrupted"
    (run_dir / "journal.json").write_bytes(orjson.dumps(protected.journal))

    result = judge(run_dir)

    assert result.exit_code == 130
    assert "requests.parquet is missing" in result.checks[0].why
    schema = orjson.loads(SCHEMA.read_bytes())
    jsonschema.validate(orjson.loads(orjson.dumps(result.as_json())), schema)


def test_an_early_end_with_a_fault_left_is_a_failed_rollback(protected, tmp_path):
    protected.journal["status"] = "interrupted"
    protected.faults[0]["rolled_back"] = False
    run_dir = protected.write(tmp_path / "run")
    (run_dir / "ledger.json").unlink()

    assert judge(run_dir).exit_code == 5


def test_an_unmet_baseline_ends_in_a_precondition(protected, tmp_path):
    protected.journal["run"][0]["status"] = "failed"
    protected.faults.clear()
    run_dir = protected.write(tmp_path / "run")
    (run_dir / "metrics.parquet").unlink()

    assert judge(run_dir).exit_code == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": "aborted"}, "status is aborted"),
        ({"status": ""}, "status is missing"),
        ({"status": "failed", "deviated": True}, "steady state was not met again"),
    ],
)
def test_an_experiment_that_did_not_complete_is_not_held(changes, said, protected, tmp_path):
    protected.journal |= changes

    result = protected.judge(tmp_path / "run")

    assert result.exit_code == 4
    assert said in result.reason


def test_a_method_of_which_a_part_failed_is_not_held(protected, tmp_path):
    activity = {"name": "finish-the-load", "type": "action"}
    failed = {"activity": activity, "status": "failed", "exception": ["ActivityFailed: no"]}
    protected.journal["run"].append(failed)

    result = protected.judge(tmp_path / "run")

    assert result.exit_code == 4
    assert "finish-the-load failed" in result.reason


def test_a_probe_that_looked_in_the_middle_decides_nothing(protected, tmp_path):
    activity = {"name": "during-critical-is-served", "type": "probe"}
    protected.journal["run"].append({"activity": activity, "status": "failed"})

    assert protected.judge(tmp_path / "run").exit_code == 0


@pytest.mark.parametrize("name", FILES)
def test_an_emptied_file_never_holds(name, protected, tmp_path):
    run_dir = protected.write(tmp_path / "run")
    empty = b"[]" if isinstance(getattr(protected, name), list) else b"{}"
    (run_dir / f"{name}.json").write_bytes(empty)

    if name in {"faults", "events"}:
        assert judge(run_dir).exit_code == 4
    else:
        with pytest.raises(RunFolderError, match=rf"{name}\.json"):
            judge(run_dir)


@pytest.mark.parametrize("name", ["requests", "metrics"])
def test_a_table_without_rows_never_holds(name, protected, tmp_path):
    path = protected.write(tmp_path / "run") / f"{name}.parquet"
    pq.write_table(pq.read_table(path).slice(0, 0), path)

    assert judge(path.parent).exit_code != 0


@pytest.mark.parametrize("column", ["status", "sequence_s", "criticality", "class", "right"])
def test_a_blank_column_never_holds(column, protected, tmp_path):
    for row in protected.requests:
        row[column] = type(row[column])()

    try:
        assert protected.judge(tmp_path / "run").exit_code != 0
    except RunFolderError as refused:
        assert "requests.parquet" in str(refused)  # noqa: PT017 - either way is right


@pytest.mark.parametrize(("column", "said"), [("ended_s", "end before"), ("sent_s", "too soon")])
def test_times_that_run_backwards_are_refused(column, said, protected, tmp_path):
    for row in protected.requests:
        row[column] = 0.0

    with pytest.raises(RunFolderError, match=said):
        protected.judge(tmp_path / "run")
