"""Was the generator on time, with CPU to spare? Otherwise it judged itself."""

from __future__ import annotations

import numpy as np

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run
from teastorm.verdict.words import percentile

ID = "generator-healthy"
ROLE = Role.VOID
# Sent only when the order they follow was made: without one there is nothing to pay or to ask.
FOLLOW_UPS = frozenset({"payment", "status"})
FIX = "close what else runs on this machine, use more load workers, or lower the base rate"


def evaluate(run: Run) -> Check:
    """Send lag p99 in milliseconds; also at most 1 % unsent, CPU below its bound, and little of it stolen.

    The worse of the generator's own figure and the one in the request log counts.
    """
    bound = at_most(run, ID, unit="ms", fix=FIX)
    first = run.attempts.attempt == 1
    lags = run.attempts.lag_s[first]
    logged = percentile(lags, 0.99)
    if logged is None or not bool(np.isfinite(lags).mean() > 0.99):
        return bound.unknown("the request log has no send lags", n=int(first.sum()))
    lag_s = max(logged, run.load.lag_p99_s)
    unsent = max(int(run.requests.unsent.sum()), run.load.unsent) + _missing(run)
    share = unsent / max(1, run.plan.arrivals)
    terms = run.slo.terms
    broken = []
    if share > terms.unsent_share_max:
        broken.append(f"{share:.1%} of the arrivals were never sent")
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
    """Planned arrivals of which the request log knows nothing, without follow-ups of no order."""
    gone = {
        name: max(0, count - int(run.requests.of(name).sum()))
        for name, count in run.plan.classes.items()
    }
    follow_ups = sum(count for name, count in gone.items() if name in FOLLOW_UPS)
    others = sum(count for name, count in gone.items() if name not in FOLLOW_UPS)
    return others + max(0, follow_ups - run.load.absent)
