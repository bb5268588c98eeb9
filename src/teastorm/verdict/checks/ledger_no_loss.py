"""Is every acknowledged checkout in the ledger?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHECKOUT
from teastorm.verdict.run import Run

ID = "ledger-no-loss"
ROLE = Role.LEDGER
FIX = "acknowledge only after the commit; look for the order ids in the orders' logs"


def evaluate(run: Run) -> Check:
    """Acknowledged checkouts whose order or key the ledger does not have; settled ones too."""
    bound = at_most(run, ID, unit="orders", fix=FIX)
    rows = run.attempts
    acknowledged = (rows.class_ == CHECKOUT) & rows.accepted
    owed = {str(rows.order_id[i]): str(rows.key[i]) for i in acknowledged.nonzero()[0]}
    owed |= {order: key for key, order in run.ledger.settled.items() if order}
    if not owed:
        return bound.unknown("no checkout was acknowledged")
    if unsettled := _unsettled(run):
        said = f"what came of {len(unsettled)} checkouts nobody knows, and nobody asked"
        return bound.unknown(f"{said} ({unsettled[0]})", n=0)
    booked = {order.order_id: order.key for order in run.ledger.orders}
    lost = [
        order or f"key {key}"
        for order, key in owed.items()
        if order not in booked or (booked[order] and booked[order] != key)
    ]
    why = f"{len(lost)} of {len(owed)} acknowledged orders are not in the ledger"
    return bound.judge(float(len(lost)), n=len(owed), why=why, evidence=lost)


def _unsettled(run: Run) -> list[str]:
    """Keys of checkouts without an answer that says what happened, for which nobody asked again."""
    rows = run.attempts
    checkout = (rows.class_ == CHECKOUT) & rows.real
    silent = (rows.status == 0) | ((rows.status >= 500) & (rows.reason == ""))
    acknowledged = set(rows.key[checkout & rows.accepted])
    open_keys = set(rows.key[checkout & silent]) - acknowledged - set(run.ledger.settled)
    return sorted(str(key) for key in open_keys)
