"""How much of what it can deliver does the AI deliver under the fault, in time and at full worth?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run
from teastorm.verdict.words import goodput_rps
from teastorm.verdict.work import deliverable_rps, retention

ID = "goodput-retention"
ROLE = Role.OBJECTIVE
FIX = "switch on admission, deadlines and codel: work that ends late is work for nobody"


def evaluate(run: Run) -> Check:
    """Chat goodput in the fault window / mean of min(demand, K); K(N-1)/N after a loss."""
    bound = at_least(run, ID, unit="share of K", fix=FIX)
    window = run.fault_window
    chosen = run.requests.within(window) & run.requests.of(CHAT)
    total = int(chosen.sum())
    kept = retention(run, window)
    if kept is None or total == 0:
        return bound.unknown("nothing could have been delivered in the fault window", n=total)
    goodput = goodput_rps(run.requests, CHAT, window) or 0.0
    possible = deliverable_rps(run, window)
    lost = run.requests.request_id[chosen & ~run.requests.good]
    return bound.judge(
        kept,
        n=total,
        why=f"{goodput:.1f} good chats a second of {possible:.1f} possible",
        evidence=[str(name) for name in lost],
    )
