"""Shops and couriers: queues in virtual time, a door with hysteresis, promises that may break."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from teashop.resilience.hysteresis import Hysteresis

if TYPE_CHECKING:
    from teashop.resilience.protections import Protections
    from teastorm.simulate.models import StreetModel


class _Shop:
    __slots__ = ("as_of_s", "back_at_s", "door", "queue")

    def __init__(self, model: StreetModel) -> None:
        self.queue = 0.0
        self.as_of_s = 0.0
        capacity = model.capacity_drinks
        self.door = Hysteresis(capacity * model.pause_share, capacity * model.resume_share)
        self.back_at_s: deque[float] = deque([0.0] * model.couriers_per_shop)


class Street:
    """All shops. An order is one drink; its shop makes `drinks_per_s` and couriers come back.

    With backpressure a full or paused shop takes nothing; without it everything is accepted and
    promises break. Not thread-safe.

    Attributes:
        accepted, turned_away, broken: orders taken, refused for a full shop, delivered late.
        longest: the longest queue seen, in drinks.
    """

    __slots__ = ("_backpressure", "_couriers_s", "_delivery_s", "_drinks_per_s", "_full", "_margin", "_pause",
                 "_resume", "_shops", "_slack_s", "accepted", "broken", "longest", "turned_away")  # fmt: skip

    def __init__(self, model: StreetModel, on: Protections, shops: int) -> None:
        self._backpressure = on.backpressure
        self._pause = on.pause
        # Plain numbers: asked of every checkout.
        self._drinks_per_s = float(model.drinks_per_s)
        self._full = model.capacity_drinks * model.full_share
        self._resume = model.capacity_drinks * model.resume_share
        self._delivery_s = float(model.delivery_s)
        self._couriers_s = model.delivery_s + model.return_s
        self._margin = 1 + model.promise_margin
        self._slack_s = float(model.promise_slack_s)
        self._shops = [_Shop(model) for _ in range(shops)]
        self.accepted = 0
        self.turned_away = 0
        self.broken = 0
        self.longest = 0.0

    def obstacle_s(self, now_s: float, number: int) -> float | None:
        """None if shop `number` takes an order; else seconds until it probably does."""
        shop = self._worked(now_s, number)
        if not self._backpressure:
            return None
        if self._pause and shop.door.on:
            over = shop.queue - self._resume
        elif shop.queue + 1 > self._full:
            over = shop.queue + 1 - self._full
        else:
            return None
        self.turned_away += 1
        return max(1.0, over / self._drinks_per_s)

    def take(self, now_s: float, number: int, promised: float) -> None:
        """An order was placed: make it and send a courier; `promised` draws the barista's pace."""
        shop = self._worked(now_s, number)
        planned_s = shop.queue / self._drinks_per_s
        shop.queue += 1.0
        if shop.queue > self.longest:
            self.longest = shop.queue
        ready_s = planned_s * (0.92 + 0.16 * promised)
        courier_s = max(now_s + ready_s, shop.back_at_s.popleft())
        shop.back_at_s.append(courier_s + self._couriers_s)
        arrives_s = courier_s + self._delivery_s
        promise_s = (planned_s + self._delivery_s) * self._margin
        self.broken += arrives_s > now_s + promise_s + self._slack_s
        self.accepted += 1
        if self._pause:
            shop.door.update(shop.queue)

    def _worked(self, now_s: float, number: int) -> _Shop:
        shop = self._shops[number % len(self._shops)]
        if now_s > shop.as_of_s:
            shop.queue = max(0.0, shop.queue - (now_s - shop.as_of_s) * self._drinks_per_s)
            shop.as_of_s = now_s
            if self._pause:
                shop.door.update(shop.queue)
        return shop
