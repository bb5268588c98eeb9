"""What is written beside result.json: whole, offline, escaped, and true to the verdict."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
import re
import shutil
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from rich.console import Console

from teastorm.report import svg
from teastorm.report.autoscaler import autoscaler
from teastorm.report.chart import Chart, Layer, Mark
from teastorm.report.compare import compare, terminal
from teastorm.report.figures import figures
from teastorm.report.html import comparison, report
from teastorm.report.junit import junit
from teastorm.report.markdown import markdown
from teastorm.report.scaling import looks_of, scaling
from teastorm.report.words import FROM_BELOW
from teastorm.report.write import write_comparison, write_reports
from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Status
from teastorm.verdict.folder import read_run
from teastorm.verdict.record import Window
from teastorm.verdict.registry import entries

ARMS = ("protected", "unprotected")
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Checks that what is opened is closed, and collects what would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.fetched += [v for k, v in attrs if k in {"src", "href"} and v]

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page(text: str) -> Page:
    parser = Page()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("arm", ARMS)
def test_a_report_is_one_whole_file_that_fetches_nothing(arm, run_dirs, results):
    text = report(results[arm], read_run(run_dirs[arm]))
    found = page(text)

    assert found.fetched == []
    assert "script" not in found.tags
    assert "url(" not in text
    assert "@import" not in text
    assert "prefers-color-scheme:dark" in text


@pytest.mark.parametrize("arm", ARMS)
def test_a_report_shows_every_check_with_why_and_fix(arm, run_dirs, results):
    text = report(results[arm], read_run(run_dirs[arm]))

    for check in results[arm].checks:
        assert check.id in text
    failed = [c for c in results[arm].checks if c.status is Status.FAIL]
    assert text.count('class="s fail"') == len(failed)
    assert all(c.fix.split(":", maxsplit=1)[0] in text for c in failed)
    assert all(fault.evidence in text for fault in results[arm].faults)


@pytest.mark.parametrize("arm", ARMS)
def test_every_figure_is_well_formed_and_shades_the_fault(arm, run_dirs):
    drawn = figures(read_run(run_dirs[arm]))

    assert len(drawn) >= 6
    for figure in drawn:
        root = ET.fromstring(figure.drawing)  # noqa: S314 - our own drawing
        assert root.find(".//*[@class='fault']") is not None
        assert "nan" not in figure.drawing.lower()


def test_the_stack_of_a_figure_is_what_was_offered(run_dirs):
    keys = {k.name: k.value for k in figures(read_run(run_dirs["protected"]))[0].keys}

    assert keys["full AI, in time"] == "60.0/s"
    assert keys["refused with Retry-After"] == "60.0/s"


def test_texts_from_a_run_are_escaped(run_dirs, results):
    evil = "<script>alert(1)</script>&"
    result = dataclasses.replace(results["protected"], experiment=evil, reason=evil)

    for text in (report(result, None), comparison(compare([result, result]), [None, None])):
        assert "<script>" not in text
        assert "&lt;script&gt;" in text
    assert "<script>" not in markdown(result)
    assert ET.fromstring(junit(result)) is not None  # noqa: S314 - our own document


def test_a_run_that_ended_early_has_a_report_without_figures(results):
    result = dataclasses.replace(results["protected"], load={}, ledger={}, timeline={})
    text = report(result, None)

    assert "The run ended before its records were written." in text
    page(text)


@pytest.mark.parametrize("arm", ARMS)
def test_junit_counts_what_did_not_pass(arm, results):
    result = results[arm]
    root = ET.fromstring(junit(result))  # noqa: S314 - our own document
    suite = root.find("testsuite")

    assert suite is not None
    failed = sum(c.status is Status.FAIL for c in result.checks)
    unsure = sum(c.status is Status.UNKNOWN for c in result.checks)
    assert len(suite.findall("testcase/error")) == unsure == int(suite.get("errors", ""))
    failures = failed + (result.exit_code != 0)
    assert len(suite.findall("testcase/failure")) == failures == int(suite.get("failures", ""))
    assert len(suite.findall("testcase")) == int(suite.get("tests", ""))


def test_junit_is_not_green_when_nothing_failed_but_the_run_did_not_hold(results):
    result = dataclasses.replace(
        results["protected"], verdict=type(results["protected"].verdict).INTERRUPTED
    )

    assert "<failure" in junit(result)


def test_markdown_tells_failures_first(results):
    text = markdown(results["unprotected"])

    assert text.startswith("### Deviated: overload-3x (unprotected, seed 7)")
    assert text.index("goodput-retention") < text.index("<details>")
    assert "### Held" in markdown(results["protected"])


def test_arms_are_compared_check_by_check(results):
    compared = compare([results[arm] for arm in ARMS])
    console = Console(width=140, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123 - discarded
    console.print(terminal(compared))
    text = console.export_text()

    assert compared.same_yardstick
    assert {line.id for line in compared.lines} >= {"goodput-retention", "ledger-no-loss"}
    assert next(line for line in compared.lines if line.id == "goodput-retention").differs
    assert "Held (exit 0)" in text
    assert "Deviated (exit 1)" in text
    assert "0 ✕" in text
    with pytest.raises(ValueError, match="two results or more"):
        compare([results["protected"]])


def test_a_comparison_across_capacities_says_so(results):
    other = dataclasses.replace(results["unprotected"], capacity={"rps": 99.0})
    compared = compare([results["protected"], other])

    assert not compared.same_yardstick
    assert "Not the same yardstick" in comparison(compared, [None, None])


def test_everything_is_written_into_the_folder(run_dirs, results, tmp_path):
    for path in write_reports(run_dirs["protected"], results["protected"]):
        assert path.parent == run_dirs["protected"]
        assert path.stat().st_size > 1000
    folders = [run_dirs[arm] for arm in ARMS]
    page_path = write_comparison(tmp_path / "c.html", folders, [results[arm] for arm in ARMS])

    assert page(page_path.read_text(encoding="utf-8")).fetched == []
    assert page_path.read_text(encoding="utf-8").count("<svg") == 2


def test_the_direction_of_each_bound_is_that_of_its_check(run_dirs, monkeypatch):
    """`words.FROM_BELOW` is a list for people; the checks decide."""
    run = read_run(run_dirs["protected"])
    seen: set[str] = set()

    def spy(one, check_id, **rest):
        seen.add(check_id)
        return at_least(one, check_id, **rest)

    for entry in entries().values():
        module = entry.evaluate.__globals__
        if "at_least" in module:
            monkeypatch.setitem(module, "at_least", spy)
        entry.evaluate(run)

    assert seen == FROM_BELOW


def test_a_chart_breaks_its_line_where_nothing_is_known():
    t = np.arange(6.0)
    values = np.array([1, 2, np.nan, 4, 5, 6.0])
    layer = Layer(name="<a>", values=values, colour="blue")
    window = Window(start_s=1.0, end_s=3.0)
    drawing = Chart(
        title="t", unit="u", t_s=t, window=window, lines=(layer,), marks=(Mark(name="K", value=3),)
    ).draw()

    path = re.search(r'<path d="([^"]+)"', drawing)
    assert path is not None
    assert path.group(1).count("M") == 2
    assert "&lt;a&gt;" in drawing


def test_labels_do_not_cover_one_another():
    t = np.arange(4.0)
    lines = tuple(Layer(name=f"n{i}", values=np.ones(4), colour="blue") for i in range(6))
    drawing = Chart(
        title="t", unit="u", t_s=t, window=Window(start_s=1.0, end_s=2.0), lines=lines
    ).draw()

    places = sorted(float(y) for y in re.findall(r'y="([\d.]+)" class="label', drawing))
    assert len(places) == 6
    assert min(b - a for a, b in itertools.pairwise(places)) >= 14


@pytest.mark.parametrize("values", [np.zeros(5), np.full(5, np.nan), np.array([0, 0, 1e-6, 0, 0])])
@pytest.mark.parametrize("log", [False, True])
def test_a_chart_of_almost_nothing_can_be_drawn(values, log):
    layer = Layer(name="x", values=values, colour="red", style="step")
    window = Window(start_s=1.0, end_s=2.0)
    drawing = Chart(
        title="t", unit="u", t_s=np.arange(5.0), window=window, lines=(layer,), log=log
    ).draw()

    assert "nan" not in drawing
    assert drawing.startswith("<svg")


def test_nothing_is_drawn_of_nothing():
    window = Window(start_s=0.0, end_s=1.0)
    assert Chart(title="t", unit="u", t_s=np.arange(5.0), window=window).draw() == ""


def test_attributes_are_escaped():
    assert svg.element("g", class_='"><b') == '<g class="&quot;&gt;&lt;b"/>'


def test_what_a_clusters_autoscaler_did_is_told_where_one_ruled(run_dirs, results, tmp_path):
    shutil.copytree(run_dirs["protected"], tmp_path / "run")
    run, result = read_run(tmp_path / "run"), results["protected"]
    assert autoscaler(tmp_path / "run", result, run) is None
    fault_s = dt.datetime.fromisoformat(result.started).timestamp() + run.fault_window.start_s
    sample = {"service": "inference", "current": 2, "target": 60.0}
    samples = [
        sample | {"at_unix_s": fault_s - 5, "desired": 2, "value": 20.0},
        sample | {"at_unix_s": fault_s + 9, "desired": 3, "value": 95.0},
    ]
    moments = {"seen_unix_s": fault_s + 10, "scheduled_unix_s": fault_s + 11}
    moments |= {"started_unix_s": fault_s + 13, "ready_unix_s": fault_s + 17}
    content = {
        "schema": "teastorm.autoscaling/1",
        "samples": samples,
        "pods": [{"uid": "u", "service": "inference", **moments}],
    }
    (tmp_path / "run" / "autoscaling.json").write_text(json.dumps(content))
    table = autoscaler(tmp_path / "run", result, run)
    assert table.rows == (("inference", "3", "2", "1", "9", "0", "2", "2", "4", "17"),)
    write_reports(tmp_path / "run", result)
    assert "Autoscaler" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


AUTOSCALE = {
    "metrics": [
        {"name": "cpu", "function": "resource_utilization", "target": 60},
        {"name": "in_flight", "function": "pods_average_value", "target": 12_000},
    ]
}


def test_a_live_autoscaler_is_drawn(run_dirs, results, tmp_path):
    shutil.copytree(run_dirs["protected"], tmp_path / "run")
    assert scaling(read_run(tmp_path / "run")) == ()
    path = tmp_path / "run" / "events.json"
    start_s = read_run(tmp_path / "run").fault_window.start_s
    looks = [
        {
            "t_s": start_s + n,
            "kind": "autoscale",
            "service": "inference",
            "desired": 2 + (n > 4),
            "recommendation": 2 + 2 * (n > 4),
            "metrics": [
                {"name": "cpu", "utilization_percent": 30 + 10 * n},
                {"name": "in_flight", "usage_milli": 6000, "utilization_percent": None},
            ],
        }
        for n in range(10)
    ]
    path.write_text(json.dumps([*json.loads(path.read_text()), *looks]))
    about = tmp_path / "run" / "run.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"autoscaler": AUTOSCALE}))
    run = read_run(tmp_path / "run")
    wanted, metric = scaling(run)
    assert all(f">{name}<" in wanted.drawing for name in ("by the metrics", "wanted", "ready"))
    # The higher of the two metrics over its own target: 120 % of 60 % at the last look.
    assert max(s.load for s in looks_of(run)) == 2.0
    assert (looks_of(run)[5].wanted, looks_of(run)[5].asked) == (3, 4)
    assert ">target<" in metric.drawing
    write_reports(tmp_path / "run", results["protected"])
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "What the autoscaler saw" in page


def test_a_clusters_autoscaler_is_drawn_too(run_dirs, tmp_path):
    shutil.copytree(run_dirs["protected"], tmp_path / "run")
    run = read_run(tmp_path / "run")
    fault_s = dt.datetime.fromisoformat(run.meta.started).timestamp() + run.fault_window.start_s
    row = {"service": "inference", "current": 2, "target": 60.0, "desired": 2}
    samples = [
        row | {"at_unix_s": fault_s - 5, "value": 30.0},
        row | {"at_unix_s": fault_s + 9, "desired": 3, "value": 90.0},
    ]
    content = {"schema": "teastorm.autoscaling/1", "samples": samples, "pods": []}
    (tmp_path / "run" / "autoscaling.json").write_text(json.dumps(content))
    assert [(s.wanted, s.asked, s.load) for s in looks_of(run)] == [(2, None, 0.5), (3, None, 1.5)]
    assert len(scaling(run)) == 2
