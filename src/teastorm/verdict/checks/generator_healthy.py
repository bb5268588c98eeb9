"""Was the generator on time, with CPU to spare? Otherwise it judged itself."""

from __future__ import annotations

import math

import numpy as np

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHECKOUT
from teastorm.verdict.run import Run
from teastorm.verdict.words import percentile

ID = "generator-healthy"
ROLE = Role.VOID
# Sent only when the order they follow was made: without one there is nothing to pay or to ask.
FOLLOW_UPS = frozenset({"payment", "status"})
FIX = "close what else runs on this machine, use more load workers, or lower the base rate"


def evaluate(run: Run) -> Check:
    """Send lag p99 in milliseconds; also at most 1 % unsent, CPU below its bound, and little of it stolen.

    The worse of the generator's own figure and the one in the request log counts, and both have to
    tell of the same arrivals: a log that lost rows lost its worst ones first.
    """
    bound = at_most(run, ID, unit="ms", fix=FIX)
    first = run.attempts.attempt == 1
    lags = run.attempts.lag_s[first]
    logged = percentile(lags, 0.99)
    if logged is None or not bool(np.isfinite(lags).mean() > 0.99):
        return bound.unknown("the request log has no send lags", n=int(first.sum()))
    lag_s = max(logged, run.load.lag_p99_s)
    missing = _missing(run)
    unsent = max(int(run.requests.unsent.sum()), run.load.unsent) + missing
    share = unsent / max(1, run.plan.arrivals)
    terms = run.slo.terms
    broken = []
    if share > terms.unsent_share_max:
        broken.append(f"{share:.1%} of the arrivals were never sent")
    if missing:
        broken.append(f"the request log lacks {missing} of {run.plan.arrivals} planned arrivals")
    if run.load.sent != int(first.sum()):
        broken.append(f"load.json says {run.load.sent} were sent, the request log {first.sum()}")
    if run.load.planned + run.load.absent != run.plan.arrivals:
        broken.append(
            f"load.json tells of {run.load.planned + run.load.absent} arrivals, "
            f"plan.json of {run.plan.arrivals}"
        )
    if run.load.interrupted:
        broken.append("it was ended before its time")
    if run.load.cpu_share <= 0:
        broken.append("its CPU was not measured")
    if run.load.cpu_share > terms.cpu_share_max:
        broken.append(f"a worker used {run.load.cpu_share:.0%} of its core")
    if run.load.stolen_share > terms.stolen_share_max:
        broken.append(
            f"the hypervisor took {run.load.stolen_share:.0%} of the machine's CPU for two seconds"
        )
    late = np.argsort(-np.nan_to_num(run.attempts.lag_s))[:100]
    return bound.judge(
        1000 * lag_s,
        n=int(first.sum()),
        why=f"send lag p99 {1000 * lag_s:.1f} ms, {unsent} unsent, CPU {run.load.cpu_share:.0%}",
        broken="; ".join(broken),
        evidence=[str(name) for name in run.attempts.request_id[late]],
    )


def _missing(run: Run) -> int:
    """Planned arrivals of which the request log knows nothing, without follow-ups of no order.

    The generator counts those follow-ups itself (`absent`), and cannot have more of them than the
    checkouts that were not acknowledged had.
    """
    gone = {
        name: max(0, count - int(run.requests.of(name).sum()))
        for name, count in run.plan.classes.items()
    }
    others = sum(count for name, count in gone.items() if name not in FOLLOW_UPS)
    checkouts = run.requests.of(CHECKOUT)
    accepted = (run.requests.status >= 200) & (run.requests.status < 300)
    unplaced = int((checkouts & ~(accepted & (run.requests.order_id != ""))).sum())
    planned = run.plan.classes.get(CHECKOUT, 0)
    excused = 0
    for name in FOLLOW_UPS:
        mean = run.plan.classes.get(name, 0) / max(1, planned)
        # A checkout is followed by one, or by an even draw from one to so many.
        most = 1 if mean <= 1 else math.ceil(2 * mean)
        excused += min(gone.get(name, 0), most * unplaced)
    follow_ups = sum(gone.get(name, 0) for name in FOLLOW_UPS)
    return others + follow_ups - min(excused, run.load.absent)
