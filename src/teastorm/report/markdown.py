"""A short summary in Markdown, for a CI job's page."""

from __future__ import annotations

from teastorm.printable import printable
from teastorm.report.words import HEADLINE, MARK, bound, figure
from teastorm.verdict.check import Check, Status
from teastorm.verdict.result import Result


def markdown(result: Result) -> str:
    """Verdict, what did not pass and how to mend it, and all checks folded away."""
    name = f"{result.experiment} ({result.arm}, seed {result.seed})"
    lines = [
        f"### {HEADLINE[result.verdict]}: {_cell(name)}",
        "",
        _cell(result.reason),
        "",
    ]
    open_ones = [check for check in result.checks if check.status is not Status.PASS]
    if open_ones:
        lines += [*_table(open_ones), ""]
        lines += [f"- **{check.id}**: {_cell(check.fix)}" for check in open_ones if check.fix]
        lines.append("")
    lines += [
        "<details><summary>all checks</summary>",
        "",
        *_table(result.checks),
        "",
        "</details>",
    ]
    return "\n".join(lines) + "\n"


def _table(checks: tuple[Check, ...] | list[Check]) -> list[str]:
    head = ["| | check | value | limit | n | why |", "|---|---|---:|---:|---:|---|"]
    return head + [
        f"| {MARK[c.status]} | {c.id} | {figure(c.value)} | {bound(c)} {c.unit} | {c.n:,} "
        f"| {_cell(c.why)} |"
        for c in checks
    ]


def _cell(text: str) -> str:
    """On one line and in one cell, whatever it holds: a run folder's texts are anybody's."""
    plain = printable(" ".join(text.split())).replace("\\", "\\\\")
    return plain.replace("|", "\\|").replace("<", "&lt;")
