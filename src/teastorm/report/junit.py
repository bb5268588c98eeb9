"""junit.xml: each check a test case, for CI systems that show such files."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from teastorm.report.words import bound, figure
from teastorm.verdict.check import Status
from teastorm.verdict.result import EXIT, Result, Verdict
from teastorm.whole_file import write_whole

FILE = "junit.xml"


def junit(result: Result) -> str:
    """The document. A failed check is a failure, an unknown one an error: neither is green.

    A run that did not hold although no check failed (interrupted) has a failing case `verdict`.
    """
    name = _clean(f"{result.experiment}.{result.arm}")
    failed = [check for check in result.checks if check.status is Status.FAIL]
    unsure = [check for check in result.checks if check.status is Status.UNKNOWN]
    held = result.exit_code == EXIT[Verdict.HELD]
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(result.checks) + 1),
        failures=str(len(failed) + (not held)),
        errors=str(len(unsure)),
        skipped="0",
        timestamp=_clean(result.started),
    )
    properties = ET.SubElement(suite, "properties")
    for key, value in (("seed", result.seed), ("exit_code", result.exit_code)):
        ET.SubElement(properties, "property", name=key, value=str(value))
    verdict = ET.SubElement(suite, "testcase", classname=name, name="verdict")
    if not held:
        ET.SubElement(verdict, "failure", message=_clean(result.reason), type=str(result.verdict))
    for check in result.checks:
        case = ET.SubElement(suite, "testcase", classname=name, name=check.id)
        said = f"{figure(check.value)} {check.unit} ({bound(check)}): {check.why}"
        if check.status is Status.FAIL:
            ET.SubElement(case, "failure", message=_clean(said), type="fail").text = _clean(
                check.fix
            )
        elif check.status is Status.UNKNOWN:
            ET.SubElement(case, "error", message=_clean(said), type="unknown").text = _clean(
                check.fix
            )
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)


def write_junit(run_dir: Path, result: Result) -> Path:
    """Write the document into the run folder; returns its path."""
    path = run_dir / FILE
    write_whole(path, junit(result).encode())
    return path
