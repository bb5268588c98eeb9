"""Was the shop healthy before the fault? If not, nothing after it means anything."""

from __future__ import annotations

import numpy as np

from teastorm.verdict import names
from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run
from teastorm.verdict.steady import baseline_window, steady
from teastorm.verdict.window import Window

ID = "baseline-sound"
ROLE = Role.PRECONDITION
FIX = "run it at base load alone (teastorm load), read the replicas' logs, measure capacity anew"


def evaluate(run: Run) -> Check:
    """The lowest good share of any class in the last 10 s (and 200 requests) before the fault.

    Steady state also asks for few refusals, p99 within each deadline, waiting that does not grow,
    every wanted replica ready, and baseline probes that succeeded.
    """
    bound = at_least(run, ID, unit="share", fix=FIX)
    window = baseline_window(run)
    facts = steady(run, window)
    if not facts.good_share:
        return bound.unknown("no request was drawn before the fault")
    if facts.waiting_grows is None:
        return bound.unknown("no inference replica was scraped before the fault", n=facts.n)
    if run.journal is None:
        return bound.unknown("journal.json with the baseline probes is missing", n=facts.n)
    probes = [p for p in run.journal.probes if p.name.startswith("baseline")]
    if not probes:
        return bound.unknown("journal.json has no baseline probe", n=facts.n)
    broken = []
    if facts.refused_share > run.slo.terms.baseline_refused_share:
        broken.append(f"{facts.refused_share:.2%} refused")
    for name, tail in facts.p99_s.items():
        if tail > run.meta.deadlines_s[name]:
            broken.append(f"p99 of {name} {tail:.2f} s is above its deadline")
    if facts.waiting_grows:
        broken.append("waiting grew")
    broken += _not_ready(run, window)
    broken += [f"probe {probe.name} failed" for probe in probes if not probe.succeeded]
    worst = min(facts.good_share, key=lambda name: facts.good_share[name])
    inside = run.requests.within(window) & ~run.requests.good
    return bound.judge(
        facts.good_share[worst],
        n=facts.n,
        why=(
            f"{worst} has the lowest good share ({facts.good_share[worst]:.1%}) "
            f"in {window.seconds:.0f} s before the fault"
        ),
        broken=", ".join(broken),
        evidence=[str(name) for name in run.requests.request_id[inside]],
    )


def _not_ready(run: Run, window: Window) -> list[str]:
    """Services with fewer ready replicas than wanted at the end of the window."""
    found = []
    at = np.array([window.end_s - 0.5])
    for service, wanted in run.meta.replicas.items():
        count = int(run.metrics.seen(names.READY, at, service=service, at_least=1.0)[0])
        if count < wanted:
            found.append(f"{count} of {wanted} replicas of {service} ready")
    return found
