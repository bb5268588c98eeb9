"""Does every key have at most one order, and every order one assignment?"""

from __future__ import annotations

from collections import Counter

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.requests import CHECKOUT
from teastorm.verdict.run import Run

ID = "ledger-no-double"
ROLE = Role.LEDGER
FIX = "the Idempotency-Key is unique in the order's own transaction; receipt is idempotent"


def evaluate(run: Run) -> Check:
    """Keys with two orders, order ids booked twice, orders assigned twice, or that nobody asked for."""
    bound = at_most(run, ID, unit="orders", fix=FIX)
    orders = run.ledger.orders
    if not orders:
        return bound.unknown("the ledger has no orders")
    if not all(order.key for order in orders):
        return bound.unknown("the ledger has orders without a key", n=len(orders))
    counts = Counter(f"key {order.key}" for order in orders)
    counts += Counter(f"order {order.order_id}" for order in orders)
    counts += Counter(f"assignment {row.order_id}" for row in run.ledger.assignments)
    twice = sorted(name for name, count in counts.items() if count > 1)
    rows = run.attempts
    asked = {str(key) for key in rows.key[(rows.class_ == CHECKOUT) & rows.real]}
    unasked = [order.order_id for order in orders if order.key not in asked]
    placed = {order.order_id for order in orders}
    unplaced = [row.order_id for row in run.ledger.assignments if row.order_id not in placed]
    broken = []
    if unasked:
        broken.append(f"{len(unasked)} orders under keys that nobody sent")
    if unplaced:
        broken.append(f"{len(unplaced)} assignments of no order")
    return bound.judge(
        float(len(twice)),
        n=len(orders),
        why=f"{len(twice)} doubled among {len(orders)} orders",
        broken="; ".join(broken),
        evidence=[*twice, *unasked, *unplaced],
    )
