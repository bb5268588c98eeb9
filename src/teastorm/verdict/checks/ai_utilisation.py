"""Was the AI busy with work that still mattered?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run
from teastorm.verdict.work import impossible, utilisation

ID = "ai-utilisation"
ROLE = Role.OBJECTIVE
FIX = "let the limit and the queue keep the batch full; cheap rungs must not idle the AI"


def evaluate(run: Run) -> Check:
    """Sequence-seconds delivered in time / (ready replicas x sequences x seconds)."""
    bound = at_least(run, ID, unit="share", fix=FIX)
    window = run.fault_window
    used = utilisation(run, window)
    chosen = run.requests.of(CHAT) & run.requests.within(window) & run.requests.good
    total = int(chosen.sum())
    if used is None:
        return bound.unknown("no AI replica was ready in the fault window")
    offered = int((run.requests.of(CHAT) & run.requests.within(window)).sum())
    if total and not float(run.requests.sequence_s[chosen].sum()):
        return bound.unknown("no answer said X-Sequence-Seconds", n=0)
    if said := impossible(run, window):
        return bound.unknown(said, n=0)
    return bound.judge(used, n=offered, why=f"{total} chats answered in time")
