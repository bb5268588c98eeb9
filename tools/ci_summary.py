"""A Markdown summary of what a CI job ran: its tests, and the verdict of every run with its checks.

    .venv/bin/python tools/ci_summary.py FOLDER [>> "$GITHUB_STEP_SUMMARY"]

FOLDER holds JUnit files of pytest under junit/, and run folders at any depth. What is missing is said,
and is no error: the summary of a job that broke off matters most.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from teastorm.report.markdown import markdown
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.judge import judge

MOST_BYTES = 900_000
"""GitHub refuses the summary of a step above 1 MiB, whole."""
MOST_FAILURES = 50


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One pytest call, and its failures as (test, first line)."""

    name: str
    tests: int
    skipped: int
    seconds: float
    failures: tuple[tuple[str, str], ...]


def suites(folder: Path) -> Iterator[Suite]:
    """Those under junit/, by name; one that cannot be read counts as one failure."""
    for path in sorted((folder / "junit").glob("*.xml")):
        try:
            root = ET.parse(path).getroot()  # noqa: S314 - our own pytest wrote it
        except (ET.ParseError, OSError) as error:
            broken = ((path.name, f"cannot be read: {error}"),)
            yield Suite(name=path.stem, tests=0, skipped=0, seconds=0.0, failures=broken)
            continue
        cases = list(root.iter("testcase"))
        yield Suite(
            name=path.stem,
            tests=len(cases),
            skipped=sum(case.find("skipped") is not None for case in cases),
            seconds=sum(float(case.get("time") or 0) for case in cases),
            failures=tuple(failed for case in cases for failed in _failure(case)),
        )


def _failure(case: ET.Element) -> Iterator[tuple[str, str]]:
    for kind in ("failure", "error"):
        found = case.find(kind)
        if found is not None:
            said = (found.get("message") or found.text or "").strip().splitlines()
            name = f"{case.get('classname', '')}::{case.get('name', '')}"
            yield name, said[0] if said else kind


def of_tests(found: list[Suite]) -> str:
    """The table of suites, and what failed."""
    lines = [
        "### Tests",
        "",
        "| suite | tests | failed | skipped | s |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {s.name} | {s.tests} | {len(s.failures)} | {s.skipped} | {s.seconds:.0f} |"
        for s in found
    ]
    failures = [failed for suite in found for failed in suite.failures]
    lines += ["", *(f"- `{name}`: {_cell(said)}" for name, said in failures[:MOST_FAILURES])]
    if len(failures) > MOST_FAILURES:
        lines.append(f"- and {len(failures) - MOST_FAILURES} more")
    return "\n".join(lines) + "\n"


def of_runs(folder: Path) -> Iterator[str]:
    """Each run's own summary; a folder whose run broke off says so."""
    for record in sorted(folder.rglob("run.json")):
        try:
            yield markdown(judge(record.parent))
        except (RunFolderError, OSError) as error:
            yield f"### no verdict: {record.parent.name}\n\n{_cell(str(error))}\n"


def summary(folder: Path, most_bytes: int = MOST_BYTES) -> str:
    """All of it, within `most_bytes`; says how many runs did not fit."""
    found = list(suites(folder))
    text = of_tests(found) if found else "No tests were recorded.\n"
    parts = list(of_runs(folder))
    left_out = 0
    for part in parts:
        if left_out or len((text + part).encode()) > most_bytes:
            left_out += 1
        else:
            text += f"\n{part}"
    if not parts:
        text += "\nNo run was kept.\n"
    if left_out:
        text += f"\n{left_out} more runs are in the artefact.\n"
    return text


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")[:300]


def main(argv: list[str]) -> int:
    """Write the summary of a folder; exit 2 without one."""
    if len(argv) != 1:
        sys.stderr.write("usage: tools/ci_summary.py FOLDER\n")
        return 2
    sys.stdout.write(summary(Path(argv[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
