"""A run folder judged, and its verdict written in every form."""

from collections.abc import Callable
from pathlib import Path

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.judge import judge
from teastorm.verdict.result import Result, write_result

CANNOT_JUDGE = 4
"""A run that left nothing to judge is inconclusive."""


def judge_folder(run_dir: Path, trouble: Callable[[str], None]) -> Result | None:
    """Judge and write result.json, junit.xml and report.html; None when there is no verdict."""
    try:
        result = judge(run_dir)
    except RunFolderError as error:
        trouble(str(error))
        return None
    write_result(run_dir, result)
    write_reports(run_dir, result, trouble)
    return result


def write_reports(run_dir: Path, result: Result, trouble: Callable[[str], None]) -> None:
    """junit.xml and report.html; a report that cannot be drawn does not change a verdict."""
    from teastorm.report import write  # noqa: PLC0415 - templates are read when they are needed

    try:
        write.write_reports(run_dir, result)
    except Exception as error:  # noqa: BLE001 - whatever a drawing meets, the verdict stands
        trouble(f"the report could not be written: {type(error).__name__}: {error}")
