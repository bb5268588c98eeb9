"""Whoever is sent away comes back: counted as demand, and told when."""

import random

from teashop.resilience.backlog import Backlog
from teashop.resilience.room import Room


class Comebacks[W]:
    """Of one gateway replica. Belongs to one event loop (or to one simulated replica).

    Args:
        ai, orders: the places of the two dependencies, and the demand before them. What dispatch
            is short of counts as demand for orders, which asks it.
    """

    __slots__ = ("_ai_backlog", "_ai_room", "_orders_backlog", "_orders_room")

    def __init__(self, *, ai: tuple[Room[W], Backlog], orders: tuple[Room[W], Backlog]) -> None:
        self._ai_room, self._ai_backlog = ai
        self._orders_room, self._orders_backlog = orders

    def count(self, refused_for: str, now_s: float) -> None:
        """Count a caller that reads no Retry-After."""
        if refused_for == "orders" or refused_for == "dispatch":  # noqa: PLR1714 - no set a refusal
            self._orders_backlog.refused(now_s)
        else:
            self._ai_backlog.refused(now_s)

    def after_s(
        self, refused_for: str, now_s: float, rng: random.Random, instead_s: float | None = None
    ) -> int:
        """Count a caller; whole seconds for its Retry-After.

        Args:
            refused_for: what was scarce: gateway, inference, orders or dispatch.
            instead_s: of the time that the backlog tells.
        """
        of_orders = refused_for == "orders"
        if of_orders or refused_for == "dispatch":
            backlog = self._orders_backlog
        else:
            backlog = self._ai_backlog
        backlog.refused(now_s)
        if instead_s is not None:
            return max(1, round(instead_s + rng.random()))
        waiting = self._orders_room.waiting if of_orders else self._ai_room.waiting
        return backlog.retry_after_s(now_s, waiting, rng)
