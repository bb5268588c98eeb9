"""Promises: what a customer is told, and when it has to be told anew. Pure.

A promise is kept when the drink arrives before it runs out. When the street is slower than
planned, the promise is revised before it runs out; one that ran out first stays broken, whatever
is said afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

from teashop.dispatch.couriers import Couriers
from teashop.dispatch.shops import Shop, ShopRules, ready_in_s


@dataclass(frozen=True, kw_only=True, slots=True)
class PromiseRules:
    """How promises are made, in seconds of the run's clock.

    Attributes:
        delivery_s: from the shop's door to the customer's.
        round_trip_s: until the courier is back.
        margin: share added to the estimate.
        slack_s: added on top.
    """

    delivery_s: float
    round_trip_s: float
    margin: float
    slack_s: float

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not 0 < self.delivery_s <= self.round_trip_s:
            raise ValueError(
                "delivery_s must be above 0 and at most round_trip_s, got "
                f"{self.delivery_s} and {self.round_trip_s}"
            )
        if self.margin < 0 or self.slack_s < 0:
            raise ValueError("margin and slack_s must be at least 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """One order's promise. Times are Unix seconds.

    Attributes:
        promised_at_s: the moment it runs out.
        revisions: how often it was changed.
        late: whether it ever ran out before the drink arrived.
    """

    order_id: str
    promised_at_s: float
    revisions: int = 0
    late: bool = False


def eta_s(
    shop: Shop,
    couriers: Couriers,
    finish: float,
    ahead: int,
    shop_rules: ShopRules,
    rules: PromiseRules,
) -> float:
    """Estimated seconds from the shop's `as_of_s` to the customer's door.

    Args:
        finish: the value of `made` at which the order is ready.
        ahead: orders of this shop that get a courier before it.
    """
    ready_s = shop.as_of_s + ready_in_s(shop, finish, shop_rules)
    pickup_s = couriers.pickup_s(ready_s, ahead, rules.round_trip_s, now_s=shop.as_of_s)
    return pickup_s + rules.delivery_s - shop.as_of_s


def promised_s(estimate_s: float, rules: PromiseRules) -> float:
    """What is promised for an estimate, both in seconds from now."""
    return estimate_s * (1.0 + rules.margin) + rules.slack_s


def revised(
    promise: Promise, *, arrives_at_s: float, now_s: float, rules: PromiseRules
) -> Promise | None:
    """The promise as it has to be told now, or None while it stands.

    Args:
        arrives_at_s: when the drink will be there, as far as is known at `now_s`.
    """
    ran_out = now_s >= promise.promised_at_s
    if arrives_at_s <= promise.promised_at_s:
        return None
    return Promise(
        order_id=promise.order_id,
        promised_at_s=now_s + promised_s(max(0.0, arrives_at_s - now_s), rules),
        revisions=promise.revisions + 1,
        late=promise.late or ran_out,
    )


def kept(promise: Promise, *, delivered_at_s: float | None, now_s: float) -> bool | None:
    """Whether the promise was kept; None while that is open."""
    if promise.late:
        return False
    if delivered_at_s is not None and delivered_at_s <= now_s:
        return delivered_at_s <= promise.promised_at_s
    return False if now_s > promise.promised_at_s else None
