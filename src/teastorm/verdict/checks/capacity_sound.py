"""Is K, the yardstick of the whole verdict, believable?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run

ID = "capacity-sound"
ROLE = Role.VOID
FIX = "measure capacity again on a quiet machine; compare the AI's settings with K_th"


def evaluate(run: Run) -> Check:
    """|K / K_th - 1| with K_th = N B / (f (TTFT + tokens ITL)), computed here from the settings."""
    bound = at_most(run, ID, unit="share", fix=FIX)
    capacity, ai = run.meta.capacity, run.meta.inference
    replicas = run.meta.replicas.get("inference", 0)
    service_s = ai.slowdown * (ai.ttft_s + ai.tokens_full * ai.itl_s)
    if capacity.rps <= 0 or replicas <= 0 or service_s <= 0:
        return bound.unknown("capacity was not measured")
    theory = replicas * ai.max_num_seqs / service_s
    terms = run.slo.terms
    broken = []
    if capacity.good_share < terms.capacity_good_share:
        broken.append(f"its good share was {capacity.good_share:.3f}")
    step = capacity.smallest_step
    if step is None:
        return bound.unknown("run.json lists no step of the measurement")
    if step < terms.capacity_step_requests:
        broken.append(f"a step had only {step} requests")
    if abs(capacity.theory_rps / theory - 1) > 0.01:
        broken.append(f"run.json names {capacity.theory_rps:.1f}/s as K_th")
    why = f"K {capacity.rps:.1f}/s, K_th {theory:.1f}/s"
    return bound.judge(abs(capacity.rps / theory - 1), n=step, why=why, broken="; ".join(broken))
