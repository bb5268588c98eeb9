"""The tables of a report, as rows of text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teastorm.report.words import figure
from teastorm.verdict.columns import Flags
from teastorm.verdict.engage import engage_s
from teastorm.verdict.requests import CRITICALITIES, Outcome
from teastorm.verdict.result import Result
from teastorm.verdict.run import Run
from teastorm.verdict.words import percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A heading, a sentence, column names, rows. `plain` columns are text, the others numbers."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    plain: int = 1


def outcomes(run: Run) -> Table:
    """What became of the requests of each class in the fault window."""
    inside = run.requests.within(run.fault_window)
    rows = []
    for class_ in run.meta.deadlines_s:
        chosen = inside & run.requests.of(class_)
        total = int(chosen.sum())
        if not total:
            continue
        shares = [
            f"{float((chosen & (run.requests.outcome == kind)).sum()) / total:.1%}"
            for kind in Outcome
        ]
        attempts = float(run.requests.attempts[chosen].sum()) / total
        rows.append((class_, f"{total:,}", *shares, f"{attempts:.2f}"))
    return Table(
        title="Outcomes in the fault window",
        note="Denominators are drawn arrivals. Good: final 2xx, right, in time, in the ledger. "
        + _engaged(run),
        columns=("class", "requests", "good", "degraded", "refused", "failed", "attempts each"),
        rows=tuple(rows),
    )


def _engaged(run: Run) -> str:
    since_s = engage_s(run)
    if since_s is None:
        return "Critical requests did not come to stay within their objectives."
    return f"Critical requests stayed within their objectives from {since_s:.0f} s into it on."


def shed_quality(run: Run) -> Table:
    """How refusals were made, by criticality, in the whole run."""
    attempts = run.attempts
    rows = []
    for level in CRITICALITIES:
        chosen = attempts.refused & attempts.real & (attempts.criticality == level)
        total = int(chosen.sum())
        if total:
            rows.append((level, f"{total:,}", *_manners(run, chosen)))
    return Table(
        title="Shed quality",
        note="A refusal should be quick, say why, and say when to come back.",
        columns=(
            "criticality",
            "refused",
            "p50 ms",
            "p99 ms",
            "Retry-After",
            "labelled",
            "honoured",
        ),
        rows=tuple(rows),
    )


def _manners(run: Run, chosen: Flags) -> tuple[str, ...]:
    rows = run.attempts
    took = rows.answer_s[chosen] * 1000
    asked = rows.retry_after_s[chosen] >= 1
    labelled = (rows.reason[chosen] != "") & (rows.refused_for[chosen] != "")
    again = rows.real & (rows.attempt > 1) & np.isin(rows.request_id, rows.request_id[chosen])
    honoured = f"{float(rows.honoured[again].mean()):.0%}" if again.any() else figure(None)
    return (
        figure(percentile(took, 0.5)),
        figure(percentile(took, 0.99)),
        f"{float(asked.mean()):.1%}",
        f"{float(labelled.mean()):.1%}",
        honoured,
    )


def ledger(result: Result) -> Table:
    """The shop's books after the run."""
    rows = tuple((name.replace("_", " "), _said(value)) for name, value in result.ledger.items())
    return Table(
        title="Ledger",
        note="Read from orders and dispatch after the run; unknown outcomes were settled by asking "
        "again with the same key.",
        columns=("what", "how many"),
        rows=rows,
    )


def difference(result: Result) -> Table:
    """The settings by which this arm differs from the protected one."""
    rows = []
    for name, value in result.difference.items():
        pair = value if isinstance(value, list) and len(value) == 2 else ["", value]
        rows.append((name, _said(pair[0]), _said(pair[1])))
    return Table(
        title="What differs between the arms",
        note="Nothing else does: same replicas, time-outs, queue bounds, clients, seed and K."
        if rows
        else "Nothing: this is the protected arm.",
        columns=("setting", "protected", "this arm"),
        rows=tuple(rows),
        plain=3,
    )


def environment(result: Result) -> Table:
    """Versions, replicas, capacity, load."""
    pairs: list[tuple[str, str]] = [
        ("platform", result.platform),
        ("seed", str(result.seed)),
        ("started", result.started),
    ]
    pairs += [(f"replicas of {name}", str(count)) for name, count in result.replicas.items()]
    for group, values in (("capacity", result.capacity), ("load", result.load)):
        pairs += [
            (f"{group}: {name}", _said(value))
            for name, value in values.items()
            if not isinstance(value, list | dict)
        ]
    pairs += [(name, _said(value)) for name, value in result.versions.items()]
    return Table(
        title="Environment", note="", columns=("what", "value"), rows=tuple(pairs), plain=2
    )


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return figure(value)
    return figure(None) if value is None else str(value)
