"""Stabilisation: a recommendation counts only as far as recent ones agree with it.

Source: stabilizeRecommendation and stabilizeRecommendationWithBehaviors in Kubernetes 1.34's
horizontal.go. The original reads its clock again after writing, so a recommendation made at s is
inside a window w at t when t - s < w, and its place may be used again when t - s >= w.
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class Recommendation(NamedTuple):
    """What was wanted, before stabilisation and limits."""

    at_s: float
    replicas: int


@dataclass(slots=True)
class Recommendations:
    """What was wanted lately, in the original's slot order."""

    items: list[Recommendation] = field(default_factory=list)

    def start(self, now_s: float, current: int) -> None:
        """Before anything is known, what runs is what was wanted."""
        if not self.items:
            self.items.append(Recommendation(now_s, current))

    def highest(self, now_s: float, wanted: int, window_s: float) -> int:
        """Store `wanted`; give the highest within the window. The way without behaviours."""
        result = wanted
        place = None
        for index, (at_s, replicas) in enumerate(self.items):
            if now_s - at_s >= window_s:
                place = index
            elif replicas > result:
                result = replicas
        self._store(place, Recommendation(now_s, wanted))
        return result

    def between(
        self, now_s: float, wanted: int, current: int, *, up_window_s: float, down_window_s: float
    ) -> int:
        """Store `wanted`; move `current` only as far as both windows agree."""
        low = high = wanted
        place = None
        for index, (at_s, replicas) in enumerate(self.items):
            age_s = now_s - at_s
            in_up, in_down = age_s < up_window_s, age_s < down_window_s
            if in_up and replicas < low:
                low = replicas
            if in_down and replicas > high:
                high = replicas
            if not in_up and not in_down:
                place = index
        self._store(place, Recommendation(now_s, wanted))
        return min(max(current, low), high)

    def _store(self, place: int | None, item: Recommendation) -> None:
        if place is None:
            self.items.append(item)
        else:
            self.items[place] = item
