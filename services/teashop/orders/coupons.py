"""The coupon budget as a row; each function runs in a transaction of its caller."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from teashop.orders import schema
from teashop.serving.database import Database

_NAME = "milk-tea"

_this_coupon = schema.coupons.c.name == _NAME
_SPEND = (
    update(schema.coupons)
    .where(_this_coupon, schema.coupons.c.spent < schema.coupons.c.budget)
    .values(spent=schema.coupons.c.spent + 1)
)
_STATE = select(schema.coupons.c.budget, schema.coupons.c.spent).where(_this_coupon)


@dataclass(frozen=True, kw_only=True, slots=True)
class CouponState:
    """The coupon budget and what is spent of it."""

    budget: int
    spent: int

    @property
    def left(self) -> int:
        """Coupons that can still be given."""
        return self.budget - self.spent


def seed(connection: Connection, database: Database, budget: int) -> None:
    """Set the budget, unless somebody has set it before."""
    connection.execute(
        database.insert_ignoring(schema.coupons), {"name": _NAME, "budget": budget, "spent": 0}
    )


def spend(connection: Connection) -> bool:
    """Spend one; False when none is left. Its row stays locked until the commit."""
    return connection.execute(_SPEND).rowcount == 1


def state(connection: Connection) -> CouponState:
    """The budget now."""
    row = connection.execute(_STATE).one()
    return CouponState(budget=row.budget, spent=row.spent)
