"""The verdict for a machine, a job's page and a terminal: JUnit, Markdown, arms side by side."""

from __future__ import annotations

import dataclasses
import re
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console
from tests.report.page import ARMS, page

from teastorm.report.compare import compare, terminal
from teastorm.report.html import comparison
from teastorm.report.junit import junit
from teastorm.report.markdown import markdown
from teastorm.report.write import write_comparison, write_reports
from teastorm.verdict.check import Status


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


@pytest.mark.parametrize("text", ["a | b", "a \\| b", "a \\", "\x1b[2J a \x9b", "a\n|\n| b |"])
def test_whatever_a_text_holds_it_stays_in_its_cell(results, text):
    checks = tuple(dataclasses.replace(c, why=text) for c in results["unprotected"].checks)
    told = markdown(dataclasses.replace(results["unprotected"], checks=checks))
    rows = [line for line in told.splitlines() if line.startswith("|")]

    assert len(rows) > len(checks)
    assert {re.sub(r"\\.", "", row).count("|") for row in rows} == {7}
    assert told.replace("\n", "").isprintable()


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
