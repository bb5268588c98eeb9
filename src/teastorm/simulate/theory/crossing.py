"""Customers, and who is inside: the L of Little's law, from what crosses the border alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Customer:
    """One customer; `wait_s` is NaN if it was turned away."""

    number: int
    came_s: float
    service_s: float
    level: int
    wait_s: float = float("nan")
    left_s: float = float("nan")


class Crossing:
    """Counts who is inside, by what crosses the border alone: the L of Little's law."""

    def __init__(self) -> None:
        self.inside = 0
        self.area_s = 0.0
        self.stay_s = 0.0
        self._seen_s = 0.0

    def came(self, now_s: float) -> None:
        """One more is inside."""
        self._integrate(now_s)
        self.inside += 1

    def left(self, now_s: float, customer: Customer) -> None:
        """One less."""
        self._integrate(now_s)
        self.inside -= 1
        customer.left_s = now_s
        self.stay_s += now_s - customer.came_s

    def _integrate(self, now_s: float) -> None:
        self.area_s += self.inside * (now_s - self._seen_s)
        self._seen_s = now_s
