"""Was the shop offered what was planned, by its own count and by what was sent?"""

from __future__ import annotations

import numpy as np

from teastorm.verdict import names
from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHAT
from teastorm.verdict.run import Run

ID = "offered-rate-reached"
ROLE = Role.VOID
FIX = "give the generator more CPU or lower the factor; look for gateways that were not scraped"
COUNTS_DIFFER = 0.02
# A scrape is a second apart: at a step in demand a counter read between two scrapes is a guess.
MARGIN_S = 1.0
# Arrivals are drawn from the planned rates: standard deviations that chance may take them off.
CHANCE = 5.0


def evaluate(run: Run) -> Check:
    """Chats that gateways counted in the fault window / planned, within 2 % of what was sent.

    What was sent are attempts, retries included, without those that found no connection: no
    server can have seen them. Those that got no answer at all may have waited in a socket that
    nobody read, so the servers may have counted them or not. First attempts alone have to reach the bound too, or retries would
    stand in for demand. What was planned are the arrivals that were drawn, and these have to be
    what the plan's rates make, but for chance.
    """
    bound = at_least(run, ID, unit="share of planned", fix=FIX)
    window = run.fault_window
    start, end = window.start_s + MARGIN_S, window.end_s - MARGIN_S
    if end - start < MARGIN_S:
        return bound.unknown("the fault window is too short to count in")
    rows = run.attempts
    chat = (rows.class_ == CHAT) & rows.real & (rows.sent_s >= start) & (rows.sent_s < end)
    sent = int((chat & (rows.error != "connection")).sum())
    first = int((chat & (rows.attempt == 1)).sum())
    drawn = (run.requests.intended_s >= start) & (run.requests.intended_s < end)
    planned = float((drawn & run.requests.of(CHAT)).sum())
    rates = run.planned_chat_rps(np.arange(start, end, 0.1) + 0.05)
    nominal = float(rates.mean() * (end - start)) if np.isfinite(rates).all() else planned
    seen = run.metrics.increase(names.OFFERED, start, end, route=CHAT)
    if seen is None:
        return bound.unknown(f"no gateway exported {names.OFFERED[0]} in the fault window", n=sent)
    if planned <= 0 or sent == 0:
        return bound.unknown("no chat was planned or sent in the fault window", n=sent)
    silent = int((chat & (rows.error != "connection") & (rows.status == 0)).sum())
    differ = max(seen - sent, sent - silent - seen, 0.0) / sent
    broken = ""
    if differ > COUNTS_DIFFER:
        broken = f"the gateways' count differs from what was sent by {differ:.1%}"
    elif abs(planned - nominal) > CHANCE * nominal**0.5 + 1:
        broken = f"{planned:.0f} chats were drawn where the plan's rates make {nominal:.0f}"
    why = f"{planned:.0f} chats planned, {first} first attempts, {sent} sent, {seen:.0f} counted"
    return bound.judge(min(first, seen) / planned, n=sent, why=why, broken=broken)
