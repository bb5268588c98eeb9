"""Whether a shop takes an order: pause with hysteresis, and a queue that has an end. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from teashop.dispatch.shops import Shop, ShopRules
from teashop.resilience.hysteresis import Hysteresis


class Obstacle(StrEnum):
    """Why a shop takes no more for now."""

    PAUSED = "paused"
    FULL = "full"


class Change(StrEnum):
    """What a shop's door just did."""

    PAUSED = "paused"
    RESUMED = "resumed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """The rule at every shop's door.

    Attributes:
        backpressure: refuse what a shop cannot take; off: everything is accepted.
        pause: pause and resume by the queue; off: always open.
    """

    rules: ShopRules
    backpressure: bool
    pause: bool

    def obstacle(self, shop: Shop, drinks: float) -> Obstacle | None:
        """What stands in the way of an order of `drinks`; None: it is taken.

        An empty shop takes an order of any size, or the largest could never be made.
        """
        if not self.backpressure:
            return None
        if shop.paused:
            return Obstacle.PAUSED
        if shop.queue > 0 and shop.queue + drinks > self.rules.full_drinks:
            return Obstacle.FULL
        return None

    def swing(self, shop: Shop) -> tuple[Shop, Change | None]:
        """Pause or resume the shop by its queue; between the two marks nothing changes."""
        if not self.pause:
            return shop, None
        switch = Hysteresis(self.rules.pause_drinks, self.rules.resume_drinks)
        switch.on = shop.paused
        paused = switch.update(shop.queue)
        if paused == shop.paused:
            return shop, None
        return replace(shop, paused=paused), Change.PAUSED if paused else Change.RESUMED

    def reopens_behind_drinks(self, shop: Shop, drinks: float) -> float:
        """How many drinks have to be made before an order of `drinks` may be taken."""
        if shop.paused:
            return max(0.0, shop.queue - self.rules.resume_drinks)
        return max(0.0, shop.queue + drinks - self.rules.full_drinks)
