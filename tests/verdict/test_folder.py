"""A run folder that is not right is refused in one sentence."""

from __future__ import annotations

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.folder import read_run


def one_sentence(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    assert text.endswith(".")
    assert "Traceback" not in text
    return text


def spoil(world, path: tuple[str | int, ...], value: object) -> None:
    target = getattr(world, str(path[0]))
    for step in path[1:-1]:
        target = target[step]
    target[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("run", "schema"), "teastorm.run/9", "schema must be teastorm.run/1"),
        (("plan", "schema"), "teastorm.plan/2", "plan.json: schema must be teastorm.plan/1"),
        (("load", "schema"), "teastorm.load/0", "load.json: schema must be teastorm.load/1"),
        (("load", "unsent"), -1, "load.json: unsent must be 0 or more, got -1"),
        (("run", "seed"), "seven", "run.json: seed must be a finite number"),
        (("run", "seed"), 1.5, "run.json: seed must be a whole number"),
        (("run", "arm"), 3, "run.json: arm must be text"),
        (("run", "checks"), ["goodput-retension"], "did you mean goodput-retention?"),
        (("run", "checks"), [], "checks is empty"),
        (("run", "protections"), {"codel": 1}, "run.json: protections.codel must be true or false"),
        (("run", "inference", "max_num_seqs"), 0, "must be above 0"),
        (("run", "slo", "objectives", "fairness", "limt"), 1, "did you mean limit?"),
        (("run", "capacity", "rps"), None, "run.json: capacity.rps"),
        (("plan", "phases"), [], "plan.json: phases is empty"),
        (("plan", "fault"), {"start_s": 5, "end_s": 1}, "must end after it starts"),
        (("plan", "phases", 0, "end_s"), "late", "plan.json: phases[0].end_s"),
        (("load", "unsent"), None, "load.json: unsent"),
        (("faults", 0, "proved"), "yes", "faults.json: [0].proved must be true or false"),
        (("events", 0, "t_s"), "now", "events.json: [0].t_s"),
        (("ledger", "orders"), {}, "ledger.json: orders must be a list"),
        (("ledger", "coupons"), 3, "ledger.json: coupons must be a mapping"),
    ],
)
def test_a_wrong_field_is_named(path, value, said, protected, tmp_path):
    spoil(protected, path, value)

    with pytest.raises(RunFolderError) as caught:
        read_run(protected.write(tmp_path / "run"))

    assert said in one_sentence(caught.value)


@pytest.mark.parametrize(
    "name", ["run.json", "plan.json", "load.json", "ledger.json", "requests.parquet"]
)
def test_a_missing_or_torn_file_is_named(name, protected, tmp_path):
    run_dir = protected.write(tmp_path / "run")
    (run_dir / name).write_bytes(b"{ torn")
    with pytest.raises(RunFolderError) as torn:
        read_run(run_dir)
    (run_dir / name).unlink()
    with pytest.raises(RunFolderError) as gone:
        read_run(run_dir)

    assert name in one_sentence(torn.value)
    assert f"{name} is missing" in one_sentence(gone.value)


def test_no_folder_is_no_run(tmp_path):
    with pytest.raises(RunFolderError, match="is no run folder"):
        read_run(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["requests", "metrics"])
def test_a_missing_column_is_named(name, protected, tmp_path):
    path = protected.write(tmp_path / "run") / f"{name}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop_columns([table.column_names[-1]]), path)

    with pytest.raises(RunFolderError, match=f"column {table.column_names[-1]} is missing"):
        read_run(path.parent)


def test_a_column_of_another_type_is_named(protected, tmp_path):
    for row in protected.requests:
        row["intended_s"] = "soon"

    with pytest.raises(RunFolderError, match="column intended_s has the wrong type"):
        read_run(protected.write(tmp_path / "run"))


@pytest.mark.parametrize("column", ["service", "labels", "t_s"])
@pytest.mark.parametrize("change", ["lists", "twice"])
def test_metrics_of_another_shape_are_named(column, change, protected, tmp_path):
    path = protected.write(tmp_path / "run") / "metrics.parquet"
    table = pq.read_table(path)
    if change == "lists":
        lists = pa.array([[1.0]] * len(table))
        table = table.set_column(table.column_names.index(column), column, lists)
    else:
        table = table.append_column(column, table.column(column))
    pq.write_table(table, path)

    with pytest.raises(RunFolderError, match=rf"metrics\.parquet.*{column}") as caught:
        read_run(path.parent)

    one_sentence(caught.value)


def test_an_identity_is_name_pid_and_start(protected, tmp_path):
    who = {"replica": "orders-1", "pid": 41, "started": 12.5}
    protected.faults[0]["before"] = [who]
    run = read_run(protected.write(tmp_path / "run"))

    assert run.faults[0].before == ("orders-1 (pid 41, started 12.5)",)


def test_a_journal_may_tell_of_its_steady_states(protected, tmp_path):
    probe = {"activity": {"name": "baseline-good"}, "status": "succeeded", "tolerance_met": False}
    protected.journal["steady_states"] = {"before": {"probes": [probe]}, "after": None}
    run = read_run(protected.write(tmp_path / "run"))

    assert run.journal is not None
    assert [p.name for p in run.journal.probes if not p.succeeded] == ["baseline-good"]


def test_json_numbers_become_what_they_mean(protected, tmp_path):
    run_dir = protected.write(tmp_path / "run")
    raw = orjson.loads((run_dir / "run.json").read_bytes())

    run = read_run(run_dir)

    assert run.meta.capacity.rps == raw["capacity"]["rps"]
    assert run.meta.capacity.smallest_step == 400
    assert run.slo.objective("fairness").n_min == 20
