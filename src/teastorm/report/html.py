"""report.html: one file, no scripts, opens offline, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from teastorm.report import tables, words
from teastorm.report.autoscaler import autoscaler
from teastorm.report.compare import Comparison
from teastorm.report.figure import Figure
from teastorm.report.figures import figures
from teastorm.report.scaling import scaling
from teastorm.verdict.check import Status
from teastorm.verdict.result import Result
from teastorm.verdict.run import Run
from teastorm.whole_file import write_whole

FILE = "report.html"
_WORST_FIRST = (Status.FAIL, Status.UNKNOWN, Status.PASS)


def report(result: Result, run: Run | None, scaled: tables.Table | None = None) -> str:
    """The page. Without a run (it ended early) it has no figures, and says why.

    `scaled` is what a cluster's autoscaler did.
    """
    shown = (*figures(run), *scaling(run)) if run is not None else ()
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            result=result,
            words=words,
            checks=sorted(result.checks, key=lambda check: _WORST_FIRST.index(check.status)),
            counts=[
                (str(status), sum(check.status is status for check in result.checks))
                for status in _WORST_FIRST
            ],
            figures=[(figure, _drawn(figure)) for figure in shown],
            outcomes=tables.outcomes(run) if run is not None else None,
            shed=tables.shed_quality(run) if run is not None else None,
            scaled=scaled,
            ledger=tables.ledger(result),
            difference=tables.difference(result),
            environment=tables.environment(result),
        )
    )


def comparison(compared: Comparison, runs: Sequence[Run | None]) -> str:
    """compare.html: check by check, and each arm's first figure under the other's."""
    first = []
    for result, run in zip(compared.results, runs, strict=True):
        shown = figures(run) if run is not None else ()
        if shown:
            first.append((result, shown[0], _drawn(shown[0])))
    return (
        _templates()
        .get_template("compare.html.j2")
        .render(compared=compared, words=words, figures=first)
    )


def page(template: str, **content: object) -> str:
    """Another page in the same style, from a template beside the report's."""
    return _templates().get_template(template).render(**content)


def drawing(svg: str) -> Markup:
    """A drawing of `report.svg` for a page: every text in it went through svg.text, escaped."""
    return Markup(svg)  # noqa: S704 - see the docstring


def _drawn(figure: Figure) -> Markup:
    # Every text in a drawing went through svg.text or svg.element, which escape it.
    return Markup(figure.drawing)  # noqa: S704 - see the line above


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("teastorm.report"),
        autoescape=select_autoescape(default_for_string=True, default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def write_report(run_dir: Path, result: Result, run: Run | None) -> Path:
    """Write the page into the run folder, whole or not at all; returns its path."""
    path = run_dir / FILE
    scaled = autoscaler(run_dir, result, run) if run is not None else None
    write_whole(path, report(result, run, scaled).encode())
    return path
