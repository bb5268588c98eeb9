"""tools/ci_summary.py: what a job's page says of its tests and its runs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "ci_summary.py"

JUNIT = """<?xml version="1.0"?><testsuites><testsuite name="pytest">
<testcase classname="tests.a" name="test_good" time="1.5"/>
<testcase classname="tests.a" name="test_left_out" time="0"><skipped message="no helm"/></testcase>
<testcase classname="tests.a" name="test_bad" time="2.5"><failure message="assert 1 &lt; 0&#10;more of it">text</failure></testcase>
</testsuite></testsuites>"""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_summary", TOOL)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    (tmp_path / "junit").mkdir()
    (tmp_path / "junit" / "live.xml").write_text(JUNIT)
    return tmp_path


def test_tests_are_counted_and_failures_told(tool, runs):
    said = tool.summary(runs)
    assert "| live | 3 | 1 | 1 | 4 |" in said
    assert "- `tests.a::test_bad`: assert 1 &lt; 0" in said
    assert "more of it" not in said
    assert "No run was kept." in said


def test_a_file_that_broke_off_is_told(tool, runs):
    (runs / "junit" / "e2e.xml").write_text(JUNIT[:80])
    said = tool.summary(runs)
    assert "| e2e | 0 | 1 | 0 | 0 |" in said
    assert "e2e.xml`: cannot be read" in said


@pytest.fixture
def judged(tool, runs, monkeypatch) -> Path:
    """Three runs, the second of which broke off before its verdict."""
    for name in ("one", "two", "three"):
        folder = runs / "e2e" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")

    def judge(folder: Path) -> str:
        if folder.name == "two":
            raise tool.RunFolderError(f"{folder.name}: requests.parquet is missing")
        return folder.name

    monkeypatch.setattr(tool, "judge", judge)
    monkeypatch.setattr(tool, "markdown", lambda result: f"### {result}\n\n| checks |\n")
    return runs


def test_every_run_is_told_with_its_checks_and_one_that_broke_off_as_such(tool, judged):
    said = tool.summary(judged)
    assert said.count("| checks |") == 2
    assert "### no verdict: two" in said
    assert "requests.parquet is missing" in said


def test_what_does_not_fit_is_counted(tool, judged):
    least = len(tool.of_tests(list(tool.suites(judged))).encode())
    said = tool.summary(judged, most_bytes=least + 40)
    assert "more runs are in the artefact" in said
    assert len(said.encode()) < least + 120


def test_a_job_that_got_nowhere_says_so(tool, tmp_path, capsys):
    assert tool.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "No tests were recorded.\n\nNo run was kept.\n"
    assert tool.main([]) == 2
