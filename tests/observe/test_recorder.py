"""The exposition reader, the recorder's file and the arithmetic at its edges."""

import math
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from tests.observe.conftest import Target
from tests.waiting import until

from teastorm.observe.exposition import (
    SKIPPED,
    SeriesTable,
    canonical,
    parse_canonical,
    parse_series,
)
from teastorm.observe.recorded import open_recording
from teastorm.observe.recorder import FlightRecorder
from teastorm.observe.series import Series, increase, quantile
from teastorm.observe.source import NoDataError, SourceError
from teastorm.observe.target import ScrapeTarget

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True)


def series_of(times: list[float], values: list[float], *, existed: bool = False) -> Series:
    return Series(
        labels={},
        times_s=np.array(times),
        values=np.array(values),
        existed_before=existed,
    )


def test_reads_a_page_as_the_official_parser_does(targets: list[Target]) -> None:
    target = targets[0]
    target.answers.labels('odd "rung", with\\ends\n').inc(3)
    page = target.page()
    seen: list[tuple[str, dict[str, str]]] = []

    def number_of(name: str, labels: dict[str, str]) -> int:
        seen.append((name, labels))
        return len(seen) - 1

    ours = {
        (seen[number][0], canonical(seen[number][1])): value
        for number, value in SeriesTable(number_of).samples(page)
    }
    theirs = {
        (sample.name, canonical(dict(sample.labels))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if not SKIPPED.search(sample.name)
    }
    assert ours == theirs
    assert len(ours) > 5


def test_a_series_is_parsed_once() -> None:
    asked: list[str] = []

    def number_of(name: str, labels: dict[str, str]) -> int:
        asked.append(name)
        return 0

    table = SeriesTable(number_of)
    for value in (b"1", b"2"):
        got = list(
            table.samples(b'# HELP a b\n\na_total{x="y"} ' + value + b"\n{broken} 3\nlone\n")
        )
        assert got == [(0, float(value))]
    assert asked == ["a_total"]


@pytest.mark.parametrize("text", ["", "9bad", 'a{b="c"', "a{b=c}", 'a{b="c" d="e"}'])
def test_malformed_series(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_series(text)


@given(st.dictionaries(NAMES, st.text(min_size=1)))
def test_canonical_labels_come_back(labels: dict[str, str]) -> None:
    assert parse_canonical(canonical(labels)) == labels


def test_canonical_labels_are_sorted() -> None:
    assert canonical({"b": "2", "a": "1"}) == "a=1,b=2"


@pytest.mark.parametrize(
    ("times", "values", "existed", "window", "expected"),
    [
        ([1, 2, 3], [10, 15, 20], False, (1, 3), 10),
        ([1, 2, 3], [10, 15, 20], False, (1.5, 2.5), 5),
        ([2, 3], [10, 15], False, (1, 3), 15),
        ([2, 3], [10, 15], True, (1, 3), 5),
        ([1, 2, 3], [10, 4, 9], False, (1, 3), 9),
        ([1, 2], [10, 15], False, (5, 9), 0),
        ([5], [10], False, (1, 3), None),
    ],
)
def test_increase(
    times: list[float],
    values: list[float],
    existed: bool,
    window: tuple[float, float],
    expected: float | None,
) -> None:
    assert increase(series_of(times, values, existed=existed), *window) == expected


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(0, 20))
def test_increase_of_parts_is_the_increase_of_the_whole(steps: list[int], cut: int) -> None:
    values = np.cumsum([0, *steps]).astype(float)
    times = np.arange(len(values), dtype=float)
    series = Series(labels={}, times_s=times, values=values)
    middle, end = min(cut, len(values) - 1), len(values) - 1
    parts = [increase(series, 0, middle), increase(series, middle, end)]
    assert sum(part or 0.0 for part in parts) == sum(steps)


def test_quantile_above_the_last_bound_is_the_last_bound() -> None:
    assert quantile("m", 0.99, {"1": 1.0, "+Inf": 100.0}) == 1.0


def test_quantile_of_nothing() -> None:
    with pytest.raises(NoDataError):
        quantile("m", 0.5, {"1": 0.0, "+Inf": 0.0})


def test_the_last_round_leaves_nobody_out(metrics_file: Path) -> None:
    target = Target("gateway-1")
    recorder = FlightRecorder(lambda: [target.scrape], t0_s=0.0, period_s=0.1)
    target.answers.labels("full").inc(1)
    target.gate.clear()
    recorder.start()
    until(lambda: target.looks()[0] == 1, "a page was made and is not sent")
    target.answers.labels("full").inc(1)

    def open_late() -> None:
        # By a timer alone the page might be sent before the stop, however long it takes to come.
        recorder._stopping.wait(20)
        threading.Event().wait(0.3)
        target.gate.set()

    opening = threading.Thread(target=open_late)
    opening.start()
    recorder.stop()
    opening.join()
    target.close()
    recorder.write(metrics_file)
    rows = pq.read_table(metrics_file).to_pylist()
    answers = [row["value"] for row in rows if row["name"] == "teashop_answers_total"]
    assert answers == [1, 2]


def test_the_file_has_the_run_folders_columns(targets: list[Target], metrics_file: Path) -> None:
    recorder = FlightRecorder(lambda: [t.scrape for t in targets], t0_s=0.0, period_s=0.1)
    recorder.start()
    until(lambda: recorder.rounds >= 3, "three rounds")
    recorder.stop()
    recorder.stop()
    recorder.write(metrics_file)
    table = pq.read_table(metrics_file)
    assert table.schema.names == ["t_s", "service", "replica", "name", "labels", "value"]
    assert {str(table.schema.field(n).type) for n in ("service", "labels")} == {"string"}
    rows = table.to_pylist()
    assert {row["replica"] for row in rows} == {"gateway-1", "gateway-2"}
    buckets = {row["labels"] for row in rows if row["name"] == "teashop_seconds_bucket"}
    assert "le=0.1" in buckets
    assert not [row for row in rows if row["name"].endswith("_created")]
    assert all(math.isfinite(row["t_s"]) for row in rows)


def test_a_replica_that_does_not_answer_is_down(metrics_file: Path) -> None:
    gone = ScrapeTarget(service="orders", replica="orders-1", url="http://127.0.0.1:9/metrics")
    now_s = [5.0]
    recorder = FlightRecorder(lambda: [gone], t0_s=2.0, clock=lambda: now_s[0])
    recorder.stop()
    recorder.write(metrics_file)
    assert open_recording(metrics_file).gauge("up", {"replica": "orders-1"}, 3.0) == 0


def test_a_recording_without_samples_is_no_data(metrics_file: Path) -> None:
    recorder = FlightRecorder(list, t0_s=0.0)
    recorder.stop()
    assert recorder.write(metrics_file) == 0
    with pytest.raises(NoDataError):
        open_recording(metrics_file).gauge("up", {}, 1.0)


def test_what_existed_before_the_recording_is_no_increase(metrics_file: Path) -> None:
    rows = [(0.1, "a", 1000.0), (5.0, "a", 1010.0), (5.0, "b", 7.0)]
    table = pa.table(
        {
            "t_s": [t for t, _, _ in rows],
            "service": ["gateway"] * 3,
            "replica": [replica for _, replica, _ in rows],
            "name": ["n_total"] * 3,
            "labels": [""] * 3,
            "value": [value for _, _, value in rows],
        }
    )
    pq.write_table(table, metrics_file)
    assert open_recording(metrics_file).counter_increase("n_total", {}, 0.0, 6.0) == 17


def test_a_missing_or_foreign_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.parquet"):
        open_recording(tmp_path / "absent.parquet")
    foreign = tmp_path / "foreign.parquet"
    foreign.write_text("no parquet")
    with pytest.raises(SourceError, match=r"foreign\.parquet"):
        open_recording(foreign)


def test_a_target_has_an_address() -> None:
    with pytest.raises(ValueError, match="http://"):
        ScrapeTarget(service="a", replica="b", url="127.0.0.1:1")


def test_the_latest_samples_are_the_newest_of_the_series_asked_for(
    targets: list[Target],
) -> None:
    recorder = FlightRecorder(
        lambda: [target.scrape for target in targets], t0_s=0.0, period_s=0.02
    )
    recorder.start()
    try:
        until(lambda: recorder.rounds > 3 and bool(recorder.latest(("up",))), "some rounds")
        found = recorder.latest(("up",))
        assert {each.replica for each in found} == {t.replica for t in targets}
        assert all((each.name, each.value) == ("up", 1.0) for each in found)
        newest = max(each.at_s for each in found)
        assert recorder.latest(("up",), since_s=newest + 3600) == []
        assert recorder.latest(("no_such_metric",)) == []
    finally:
        recorder.stop()
