"""Can every refusal be traced to a known cause, counted by the servers, and left no order?"""

from __future__ import annotations

import numpy as np

from teastorm.verdict import names
from teastorm.verdict.bounds import at_least, refusals_in
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHECKOUT
from teastorm.verdict.run import Run

ID = "refusals-explained"
ROLE = Role.OBJECTIVE
FIX = "find where a refusal is made without the gateway's problem response and its counter"
REASONS = [
    "quota",
    "priority",
    "limit",
    "queue_full",
    "codel",
    "late",
    "deadline",
    "breaker",
    "draining",
    "backpressure",
    "dependency",
]
SERVICES = ("gateway", "inference", "orders", "dispatch")
# Refusals that happen before any work: an order under such a key contradicts them.
BEFORE_WORK = ("quota", "late", "priority", "limit", "queue_full")
UNCOUNTED_MAX = 0.02
UNCOUNTED_SLACK = 20.0


def evaluate(run: Run) -> Check:
    """The share of refusals with a known reason and scarce thing.

    Besides, the gateways' own count has to cover what clients saw (2 % and one scrape's worth
    apart, not compared when a gateway was killed), and no key that was only ever refused before
    any work may have an order.
    """
    bound = at_least(run, ID, unit="share", fix=FIX)
    rows = run.attempts
    refused = refusals_in(run, run.load_window)
    total = int(refused.sum())
    if total == 0:
        return bound.unknown("nothing was refused")
    known = np.isin(rows.reason, REASONS) & np.isin(rows.refused_for, SERVICES)
    bare = refused & ~known
    broken = []
    killed = any(fault.is_loss and fault.service == "gateway" for fault in run.faults)
    window = run.load_window
    counted = run.metrics.increase(names.REFUSED, window.start_s, window.end_s)
    if counted is None:
        return bound.unknown(f"no gateway exported {names.REFUSED[0]}", n=total)
    if not killed and counted < total * (1 - UNCOUNTED_MAX) - UNCOUNTED_SLACK:
        broken.append(f"gateways counted {counted:.0f} of {total} refusals")
    ghosts = _ghost_orders(run)
    if ghosts:
        broken.append(f"{len(ghosts)} refused checkouts have an order")
    return bound.judge(
        1 - float(bare.sum()) / total,
        n=total,
        why=f"{int(bare.sum())} of {total} refusals without a known cause",
        broken="; ".join(broken),
        evidence=[*ghosts, *(str(name) for name in rows.request_id[bare])],
    )


def _ghost_orders(run: Run) -> list[str]:
    rows = run.attempts
    checkout = (rows.class_ == CHECKOUT) & rows.real
    clean = rows.refused & np.isin(rows.reason, BEFORE_WORK)
    only_refused = set(rows.key[checkout & clean]) - set(rows.key[checkout & ~clean])
    only_refused -= set(run.ledger.settled)
    return [
        order.order_id for order in run.ledger.orders if order.key and order.key in only_refused
    ]
