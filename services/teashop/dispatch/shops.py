"""A shop as a queue in virtual time: work arrives in drinks and drains at the shop's rate.

Two counters say it all: `taken` (drinks ever accepted) and `made` (drinks ever made). An order
that was accepted when `taken` rose to F is ready when `made` reaches F, whatever the pace did in
between (the finishing tag of fair queueing: Demers, Keshav, Shenker, SIGCOMM 1989). Pure: times
are arguments, states are values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from teashop.dispatch.pace import Pace

_DRINK_DUST = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class ShopRules:
    """What is the same for every shop, in drinks and seconds of the run's clock.

    Attributes:
        drinks_per_s: what the shop plans to make.
        capacity_drinks: a longer queue is past the shop's capacity.
        pause_drinks, resume_drinks: the marks of pausing and of resuming.
        full_drinks: with backpressure the queue never grows longer.
    """

    drinks_per_s: float
    capacity_drinks: float
    pause_drinks: float
    resume_drinks: float
    full_drinks: float

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not self.drinks_per_s > 0:
            raise ValueError(f"drinks_per_s must be above 0, got {self.drinks_per_s}")
        if not 0 < self.resume_drinks < self.pause_drinks <= self.full_drinks:
            raise ValueError(
                "resume_drinks < pause_drinks <= full_drinks is needed, got "
                f"{self.resume_drinks}, {self.pause_drinks}, {self.full_drinks}"
            )
        if not self.capacity_drinks > 0:
            raise ValueError(f"capacity_drinks must be above 0, got {self.capacity_drinks}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shop:
    """One shop at one moment.

    Attributes:
        name: its name.
        taken: drinks ever accepted.
        made: drinks ever made, at most `taken`.
        as_of_s: the moment this is the state of (Unix seconds).
        paused: whether it takes no orders for now.
        passed: whether the queue is past capacity (with hysteresis, see `crossed`).
        waiting: orders accepted and not yet with a courier.
        offered: drinks ever asked for, refused ones included.
        demand_per_s: drinks asked for a second, as the leader measured it last.
    """

    name: str
    taken: float = 0.0
    made: float = 0.0
    as_of_s: float = 0.0
    paused: bool = False
    passed: bool = False
    waiting: int = 0
    offered: float = 0.0
    demand_per_s: float = 0.0

    @property
    def queue(self) -> float:
        """Drinks accepted and not made."""
        return max(0.0, self.taken - self.made)


def advance(shop: Shop, now_s: float, rules: ShopRules, pace: Pace) -> Shop:
    """The shop after its baristas have worked until `now_s`; an earlier moment changes nothing."""
    if now_s <= shop.as_of_s:
        return shop
    work = rules.drinks_per_s * pace.seconds_of_plan(shop.name, shop.as_of_s, now_s)
    made = min(shop.taken, shop.made + work)
    if shop.taken - made < _DRINK_DUST:
        made = shop.taken
    return replace(shop, made=made, as_of_s=now_s)


def accept(shop: Shop, drinks: float) -> Shop:
    """The shop with one more order of `drinks` at the end of its queue."""
    return replace(
        shop,
        taken=shop.taken + drinks,
        waiting=shop.waiting + 1,
        offered=shop.offered + drinks,
    )


def ready_in_s(shop: Shop, finish: float, rules: ShopRules) -> float:
    """Planned seconds from `as_of_s` until `made` reaches `finish`."""
    return max(0.0, finish - shop.made) / rules.drinks_per_s


def crossed(shop: Shop, rules: ShopRules) -> tuple[Shop, bool]:
    """Mark the shop as past its capacity or not, and say whether it passed just now.

    The mark goes only when the queue is below nine tenths of capacity, so that a queue that
    trembles about the line passes once.
    """
    if not shop.passed and shop.queue > rules.capacity_drinks:
        return replace(shop, passed=True), True
    if shop.passed and shop.queue < 0.9 * rules.capacity_drinks:
        return replace(shop, passed=False), False
    return shop, False
