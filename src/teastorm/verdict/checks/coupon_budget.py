"""Were more coupons given than there were?"""

from __future__ import annotations

from teastorm.verdict.bounds import at_most
from teastorm.verdict.check import Check, Role
from teastorm.verdict.run import Run

ID = "coupon-budget"
ROLE = Role.LEDGER
FIX = "take the coupon in the order's own transaction, with a condition on what is left"


def evaluate(run: Run) -> Check:
    """Coupons beyond the budget, by the counter and by the orders; both have to agree."""
    bound = at_most(run, ID, unit="coupons", fix=FIX)
    given = [order.order_id for order in run.ledger.orders if order.coupon]
    if not run.ledger.orders or not given:
        return bound.unknown("no order used a coupon", n=len(given))
    spent, budget = run.ledger.coupon_spent, run.ledger.coupon_budget
    over = max(0, max(spent, len(given)) - budget)
    broken = f"the counter says {spent}, the orders say {len(given)}" if spent != len(given) else ""
    why = f"{len(given)} of {budget} coupons given"
    return bound.judge(float(over), n=len(given), why=why, broken=broken, evidence=given[budget:])
