"""How much of the AI's work ended as an answer that nobody waited for?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run
from teastorm.verdict.work import impossible, spent_sequence_s, wasted_share

ID = "wasted-work"
ROLE = Role.OBJECTIVE
FIX = "propagate deadlines, and drop work whose caller is gone wherever it stands"


def evaluate(run: Run) -> Check:
    """1 - sequence-seconds delivered in time / spent, by the AI's own metrics."""
    bound = at_most(run, ID, unit="share", fix=FIX)
    window = run.fault_window
    chosen = run.requests.within(window) & run.requests.of(CHAT)
    wasted = wasted_share(run, window)
    spent = spent_sequence_s(run, window)
    if wasted is None or spent is None:
        return bound.unknown("what the AI spent is not in the metrics", n=int(chosen.sum()))
    late = chosen & ~run.requests.good & (run.requests.sequence_s > 0)
    if said := impossible(run, window):
        return bound.unknown(said, n=0)
    return bound.judge(
        wasted,
        n=int(chosen.sum()),
        why=f"{spent:.0f} sequence-seconds spent, {wasted:.0%} of them for nobody",
        evidence=[str(name) for name in run.requests.request_id[late]],
    )
