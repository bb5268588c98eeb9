"""`teastorm doctor`: whether this machine can run the testbed, and what to do where it cannot."""

from dataclasses import asdict

import click

from teastorm.cli.errors import PRECONDITION
from teastorm.cli.machine import Finding, look
from teastorm.cli.output import json_option, print_json, print_table, say


@click.command()
@json_option
def doctor(*, as_json: bool) -> int:
    """Look at Python, cores, memory, ports, files, leftovers and optional tools.

    Exit 3 when something required is missing.
    """
    findings = look()
    bad = [finding for finding in findings if finding.required and not finding.ok]
    if as_json:
        content = {"ok": not bad, "checks": [asdict(finding) for finding in findings]}
        print_json("teastorm.doctor/1", content)
    else:
        print_table(("", "what", "found", "to do"), [_row(finding) for finding in findings])
        say("this machine is ready" if not bad else f"{len(bad)} to fix first")
    return PRECONDITION if bad else 0


def _row(finding: Finding) -> tuple[str, str, str, str]:
    mark = "ok" if finding.ok else ("FIX" if finding.required else "-")
    return mark, finding.id, finding.value, "" if finding.ok else finding.fix
