"""Were merchants and couriers warned before demand reached them?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.ledger import Notice
from teastorm.verdict.run import Run

ID = "notice-lead-time"
ROLE = Role.OBJECTIVE
FIX = "switch on notices; forecast further ahead of the queue, and look at the dispatch leader"
WARNINGS = frozenset({"crowd", "warning"})
WITHDRAWALS = frozenset({"withdrawn", "withdrawal"})
FALSE_ALARMS_MAX = 0.5


def evaluate(run: Run) -> Check:
    """The least lead in seconds from a standing warning to the queue passing its shop's capacity.

    A shop passed without a warning fails. So do warnings that name no shop, rate or time, and
    more than half of the warned shops never being passed nor the warning withdrawn.
    """
    bound = at_least(run, ID, unit="s", fix=FIX)
    passings = run.ledger.passings
    if passings is None:
        return bound.unknown("the ledger does not say when queues passed their shops' capacity")
    warnings = [n for n in run.ledger.notices if n.kind in WARNINGS]
    first: dict[str, float] = {}
    for passing in sorted(passings, key=lambda p: p.t_s):
        first.setdefault(passing.shop, passing.t_s)
    if not first:
        return bound.unknown("no queue passed its shop's capacity")
    leads: dict[str, float] = {}
    unwarned = []
    for shop, t_s in first.items():
        standing = _standing_since(run.ledger.notices, shop, t_s)
        if standing is None:
            unwarned.append(shop)
        else:
            leads[shop] = t_s - standing
    broken = [f"no warning before the queue passed at {', '.join(unwarned)}"] if unwarned else []
    vague = [n for n in warnings if not n.shop or n.rate is None or n.eta_s is None]
    if vague:
        broken.append(f"{len(vague)} warnings name no shop, rate or time")
    withdrawn = {n.shop for n in run.ledger.notices if n.kind in WITHDRAWALS}
    warned = {n.shop for n in warnings}
    false = warned - set(first) - withdrawn
    if len(false) > FALSE_ALARMS_MAX * max(1, len(warned)):
        broken.append(f"{len(false)} of {len(warned)} warned shops were never full")
    least = min(leads.values()) if leads else -1.0
    return bound.judge(
        least,
        n=len(first),
        why=f"{len(leads)} of {len(first)} shops warned, least lead {least:.1f} s",
        broken="; ".join(broken),
        evidence=unwarned,
    )


def _standing_since(notices: tuple[Notice, ...], shop: str, before_s: float) -> float | None:
    """When the warning was given that still stood at `before_s`; None when none stood."""
    since: float | None = None
    for notice in sorted(notices, key=lambda n: n.t_s):
        if notice.shop != shop or notice.t_s > before_s:
            continue
        if notice.kind in WARNINGS and since is None:
            since = notice.t_s
        elif notice.kind in WITHDRAWALS:
            since = None
    return since
