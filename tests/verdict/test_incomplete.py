"""Runs that ended early, files without content: never held, and each for its own reason."""

from __future__ import annotations

import jsonschema
import orjson
import pyarrow.parquet as pq
import pytest
from tests.verdict.world import SCHEMA

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.judge import judge

FILES = ("run", "plan", "load", "faults", "events", "ledger")


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


def test_an_early_end_with_a_process_left_is_a_failed_rollback(protected, tmp_path):
    protected.journal["status"] = "interrupted"
    protected.events.append({"t_s": 9.0, "kind": "left_behind", "what": "orders-1 (pid 7)"})
    run_dir = protected.write(tmp_path / "run")
    (run_dir / "ledger.json").unlink()

    result = judge(run_dir)

    assert result.exit_code == 5
    assert "orders-1 (pid 7) was left behind" in result.reason
    (run_dir / "events.json").write_text("[")
    assert judge(run_dir).exit_code == 130


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
