"""report.html: one whole file that opens offline, escaped, and true to the verdict."""

from __future__ import annotations

import dataclasses
from xml.etree import ElementTree as ET

import pytest
from tests.report.page import ARMS, page

from teastorm.report.compare import compare
from teastorm.report.figures import figures
from teastorm.report.html import comparison, report
from teastorm.report.junit import junit
from teastorm.report.markdown import markdown
from teastorm.report.words import FROM_BELOW
from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Status
from teastorm.verdict.folder import read_run
from teastorm.verdict.registry import entries


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


def test_a_report_tells_from_when_on_critical_requests_were_safe(run_dirs, results):
    said = {arm: report(results[arm], read_run(run_dirs[arm])) for arm in ARMS}

    assert "within their objectives from 0 s into it on" in said["protected"]
    assert "did not come to stay within their objectives" in said["unprotected"]


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
