"""Is anybody refused while there is capacity for all?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run
from teastorm.verdict.window import Window

ID = "over-shedding"
ROLE = Role.OBJECTIVE
FIX = "raise the limit's floor or the queue's target: it refuses what it could serve"
BELOW_K = 0.85


def evaluate(run: Run) -> Check:
    """Requests refused at least once / drawn, over base load and whatever stays below .85 K."""
    bound = at_most(run, ID, unit="share", fix=FIX)
    windows = [run.before_window]
    fault = run.fault_window
    rates = run.chat_rps_grid(fault)
    if len(rates) and float(rates.max()) <= BELOW_K * run.meta.capacity.rps:
        windows.append(Window(start_s=fault.start_s, end_s=fault.end_s))
    chosen = run.requests.within(windows[0])
    for window in windows[1:]:
        chosen |= run.requests.within(window)
    total = int(chosen.sum())
    if total == 0:
        return bound.unknown("no request was drawn below capacity")
    refused = chosen & run.requests.refused_any
    return bound.judge(
        float(refused.sum()) / total,
        n=total,
        why=f"{int(refused.sum())} of {total} requests refused below capacity",
        evidence=[str(name) for name in run.requests.request_id[refused]],
    )
