"""A switch that does not flutter: on at one mark, off at a lower one (a Schmitt trigger)."""

import math


class Hysteresis:
    """On when the value reaches `high`, off when it falls to `low` or below.

    Used for store pause and resume, and wherever a rung is left later than it was entered.

    Raises:
        ValueError: `low` is not below `high`, or one of them is not finite.
    """

    __slots__ = ("_high", "_low", "on")

    def __init__(self, high: float, low: float) -> None:
        if not (math.isfinite(high) and math.isfinite(low) and low < high):
            raise ValueError(f"Hysteresis.low must be below high, got low {low}, high {high}.")
        self._high = high
        self._low = low
        self.on = False

    def update(self, value: float) -> bool:
        """Take a new value; returns whether the switch is on."""
        if value >= self._high:
            self.on = True
        elif value <= self._low:
            self.on = False
        return self.on
