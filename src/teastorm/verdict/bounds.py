"""What checks share: their bounds from slo.yaml, and the rows that several of them look at."""

from __future__ import annotations

from teastorm.verdict.check import Bound, Check
from teastorm.verdict.columns import Flags
from teastorm.verdict.run import Run
from teastorm.verdict.window import Window
from teastorm.verdict.words import success_share


def at_least(run: Run, check_id: str, *, unit: str, fix: str) -> Bound:
    """A bound from below."""
    return _bound(run, check_id, unit, fix, at_least=True)


def at_most(run: Run, check_id: str, *, unit: str, fix: str) -> Bound:
    """A bound from above."""
    return _bound(run, check_id, unit, fix, at_least=False)


def _bound(run: Run, check_id: str, unit: str, fix: str, *, at_least: bool) -> Bound:
    row = run.slo.objective(check_id)
    return Bound(
        id=check_id, limit=row.limit, n_min=row.n_min, unit=unit, fix=fix, at_least=at_least
    )


def refusals_in(run: Run, window: Window) -> Flags:
    """Attempts sent in a window and answered 429 or 503."""
    rows = run.attempts
    inside = (rows.sent_s >= window.start_s) & (rows.sent_s < window.end_s)
    return rows.refused & rows.real & inside


def success(run: Run, bound: Bound, criticality: str) -> Check:
    """Good / drawn of one criticality in the fault window.

    A window that is too short for the bound is widened to the end of the load: what follows the
    fault has to succeed no less. The window itself must keep the bound on its own either way.
    """
    window = run.fault_window
    level = run.requests.at(criticality)
    chosen = level & run.requests.within(window)
    share = success_share(run.requests, chosen)
    if share is None:
        return bound.unknown(f"no {criticality} request was drawn in the fault window")
    where = "in the fault window"
    inside = int(chosen.sum())
    if inside < bound.n_min:
        wider = Window(start_s=window.start_s, end_s=run.load_window.end_s)
        chosen = level & run.requests.within(wider)
        share = min(share, success_share(run.requests, chosen) or 0.0)
        where = f"in the fault window ({inside}) and after it"
    bad = chosen & ~run.requests.good
    total = int(chosen.sum())
    return bound.judge(
        share,
        n=total,
        why=f"{total - int(bad.sum())} of {total} good {where}",
        evidence=[str(name) for name in run.requests.request_id[bad]],
    )
