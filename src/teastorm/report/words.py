"""How values and verdicts are said to people, in HTML, Markdown and on a terminal alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from teastorm.verdict.check import Check, Status
from teastorm.verdict.result import Verdict

HEADLINE: Final[Mapping[Verdict, str]] = {
    Verdict.HELD: "Held",
    Verdict.DEVIATED: "Deviated",
    Verdict.PRECONDITION: "Precondition not met",
    Verdict.INCONCLUSIVE: "Inconclusive",
    Verdict.ROLLBACK_FAILED: "Rollback failed",
    Verdict.INTERRUPTED: "Interrupted",
}
TONE: Final[Mapping[Verdict, str]] = {
    Verdict.HELD: "good",
    Verdict.DEVIATED: "bad",
    Verdict.PRECONDITION: "unsure",
    Verdict.INCONCLUSIVE: "unsure",
    Verdict.ROLLBACK_FAILED: "bad",
    Verdict.INTERRUPTED: "unsure",
}
MARK: Final[Mapping[Status, str]] = {
    Status.PASS: "✓",
    Status.FAIL: "✕",
    Status.UNKNOWN: "?",
}
FROM_BELOW: Final = frozenset(
    {
        "ai-utilisation",
        "baseline-sound",
        "critical-plus-success",
        "critical-success",
        "degradation-contract",
        "fairness",
        "fault-proved",
        "goodput-retention",
        "notice-lead-time",
        "offered-rate-reached",
        "promises-kept",
        "recovery-held",
        "refusals-explained",
        "refusals-labelled",
        "replicas-came-late",
        "retry-after-present",
        "rollback-proved",
        "sample-size",
    }
)


def figure(value: float | None) -> str:
    """A number with four significant digits, or a dash."""
    if value is None:
        return "–"  # noqa: RUF001 - a dash is what a table shows for nothing
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1000 else f"{value:.4g}"


def bound(check: Check) -> str:
    """The limit with its direction."""
    if check.limit is None:
        return ""
    return f"{'≥' if check.id in FROM_BELOW else '≤'} {figure(check.limit)}"


def samples(check: Check) -> str:
    """n, and n_min where it was not reached."""
    return f"{check.n:,}" if check.n >= check.n_min else f"{check.n:,} of {check.n_min:,}"
