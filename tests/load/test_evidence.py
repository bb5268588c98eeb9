"""What a load leaves behind, and what it says on the way."""

from __future__ import annotations

import json

import pytest

from teastorm.load.errors import LoadFailed
from teastorm.load.evidence import PARTS, LoadReport, merge, write_part
from teastorm.load.progress import Progress, Seconds, Tally
from teastorm.load.records import REQUESTS_SCHEMA, read_requests
from teastorm.load.spec import Spec

HEALTH = {"absent": 1, "cpu_share": 0.4, "stolen_share": 0.0, "seconds": 3.0, "interrupted": False}
VALUE = {"string": "x", "double": 0.5, "int32": 1, "bool": True}
ROW = tuple(VALUE[str(column.type)] for column in REQUESTS_SCHEMA)


@pytest.fixture
def spec(plan, tmp_path) -> Spec:
    spec = Spec(
        plan=plan,
        seed=1,
        run_dir=tmp_path,
        endpoints_file=tmp_path / "endpoints.json",
        t0_unix_s=1_790_000_000.0,
        workers=2,
    )
    for number in range(2):
        write_part(spec, number, [ROW] * (number + 1), **HEALTH)
    return spec


def test_a_specification_comes_back_as_it_was_written(spec):
    assert Spec.read(spec.write()) == spec


def test_parts_are_joined_into_one_log_and_one_report(spec):
    report = merge(spec.run_dir, spec.workers)

    assert (report.sent, report.absent, report.workers, report.interrupted) == (3, 2, 2, False)
    assert read_requests(spec.run_dir / "requests.parquet").num_rows == 3
    assert LoadReport.read(spec.run_dir / "load.json") == report
    assert not (spec.run_dir / PARTS).exists()


@pytest.mark.parametrize("torn", ["1.parquet", "1.json"])
@pytest.mark.parametrize("left", [None, b"", b"{ torn"])
def test_a_part_that_is_not_whole_makes_an_interrupted_load(spec, torn, left):
    part = spec.run_dir / PARTS / torn
    part.unlink()
    if left is not None:
        part.write_bytes(left)

    report = merge(spec.run_dir, spec.workers)

    assert (report.sent, report.workers, report.interrupted) == (1, 1, True)


def test_no_part_is_no_load(spec):
    for part in (spec.run_dir / PARTS).iterdir():
        part.write_bytes(b"")
    with pytest.raises(LoadFailed, match="left no log"):
        merge(spec.run_dir, spec.workers)


def test_growing_counts_become_a_seconds_rates(plan):
    seconds = Seconds(plan, load_start_s=2.0)
    workers = Tally(offered=30, good=20, in_flight=4), Tally(offered=12, refused=2, in_flight=1)
    first = seconds.progress(3.0, Tally.sum_of(workers))
    second = seconds.progress(14.0, Tally(offered=142, good=50, refused=62, in_flight=9))

    assert first == Progress(3.0, "baseline", 42, 20, 2, 5, 39.0)
    assert second == Progress(14.0, "fault", 100, 30, 60, 9, 28.0)
    assert seconds.progress(50.0, Tally()).phase == "tail"
    assert Progress.of(json.loads(json.dumps(second.as_json()))) == second
    assert Progress.of({"started": True, "load_start_s": 2.0}) is None
