"""Everything that is written beside result.json: junit.xml, report.html, compare.html."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from teastorm.report.compare import compare
from teastorm.report.html import comparison, write_report
from teastorm.report.junit import write_junit
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.folder import read_run
from teastorm.verdict.result import Result
from teastorm.verdict.run import Run
from teastorm.whole_file import write_whole

COMPARISON = "compare.html"


def write_reports(run_dir: Path, result: Result) -> tuple[Path, ...]:
    """Write junit.xml and report.html into the run folder; returns their paths. May raise OSError."""
    return write_junit(run_dir, result), write_report(run_dir, result, _readable(run_dir))


def write_comparison(path: Path, run_dirs: Sequence[Path], results: Sequence[Result]) -> Path:
    """Write compare.html for judged run folders, in the same order as their results."""
    page = comparison(compare(results), [_readable(run_dir) for run_dir in run_dirs])
    write_whole(path, page.encode())
    return path


def _readable(run_dir: Path) -> Run | None:
    """The run, or None where it ended before all of it was written."""
    try:
        return read_run(run_dir)
    except RunFolderError:
        return None
