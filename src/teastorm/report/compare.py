"""Two arms or more, check by check: for a terminal (rich) and, through html.py, for a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from teastorm.report.words import HEADLINE, MARK, TONE, bound, figure
from teastorm.verdict.check import Check, Status
from teastorm.verdict.result import Result

_STYLE = {Status.PASS: "green", Status.FAIL: "red", Status.UNKNOWN: "yellow"}
_TONE_STYLE = {"good": "bold green", "bad": "bold red", "unsure": "bold yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One check in every arm; None where an arm does not have it."""

    id: str
    unit: str
    limit: str
    checks: tuple[Check | None, ...]

    @property
    def differs(self) -> bool:
        """Whether the arms came to different answers."""
        return len({check.status if check else None for check in self.checks}) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Results side by side."""

    results: tuple[Result, ...]
    lines: tuple[Line, ...]

    @property
    def same_yardstick(self) -> bool:
        """Whether all arms were measured against one K and one seed."""
        yardsticks = {(r.capacity.get("rps"), r.seed) for r in self.results}
        return len(yardsticks) == 1


def compare(results: Sequence[Result]) -> Comparison:
    """Line the checks up, in the order of the first arm that has each.

    Raises ValueError for fewer than two results.
    """
    if len(results) < 2:
        raise ValueError(f"a comparison needs two results or more, got {len(results)}")
    ids = dict.fromkeys(check.id for result in results for check in result.checks)
    lines = []
    for check_id in ids:
        row = tuple(
            next((check for check in result.checks if check.id == check_id), None)
            for result in results
        )
        known = next(check for check in row if check is not None)
        lines.append(Line(id=check_id, unit=known.unit, limit=bound(known), checks=row))
    return Comparison(results=tuple(results), lines=tuple(lines))


def terminal(compared: Comparison) -> Table:
    """The comparison as a table for rich's console; marks and words carry it without colour."""
    first = compared.results[0]
    table = Table(title=f"{first.experiment}, seed {first.seed}", title_justify="left")
    table.add_column("check", no_wrap=True)
    table.add_column("limit", justify="right")
    for result in compared.results:
        table.add_column(result.arm, justify="right")
    for line in compared.lines:
        cells = [_cell(check) for check in line.checks]
        name = Text(line.id, style="bold" if line.differs else "")
        table.add_row(name, f"{line.limit} {line.unit}".strip(), *cells)
    table.add_section()
    verdicts = [
        Text(f"{HEADLINE[r.verdict]} (exit {r.exit_code})", style=_TONE_STYLE[TONE[r.verdict]])
        for r in compared.results
    ]
    table.add_row(Text("verdict", style="bold"), "", *verdicts)
    return table


def _cell(check: Check | None) -> Text:
    if check is None:
        return Text(figure(None), style="dim")
    return Text(f"{figure(check.value)} {MARK[check.status]}", style=_STYLE[check.status])
