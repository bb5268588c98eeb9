"""The couriers of one shop: finite, each away for a whole round trip. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Couriers:
    """When each courier is next at the shop's door (Unix seconds), the earliest first.

    Orders leave in the order in which they get ready, so the courier who is back first always
    takes the next one: with ready times that never fall, no other choice is earlier.
    """

    free_at_s: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not self.free_at_s:
            raise ValueError("a shop needs at least one courier")
        object.__setattr__(self, "free_at_s", tuple(sorted(self.free_at_s)))

    @classmethod
    def waiting(cls, count: int) -> Couriers:
        """`count` couriers who all stand at the door."""
        return cls((0.0,) * count)

    def pickup_s(self, ready_s: float, ahead: int, round_trip_s: float, *, now_s: float) -> float:
        """When an order will get a courier, estimated.

        With c couriers, order k leaves with the courier who took order k - c. So it waits for the
        drink; for the courier who is free after those ahead of it; and, `ahead` div c trips
        before, for the drink of the order that began its courier's chain, which is taken to get
        ready in proportion to its place. Never falls when `ahead` or `ready_s` grows, as long as
        trips all last `round_trip_s`.

        Args:
            ready_s: when the drink is ready (Unix seconds, at least `now_s`).
            ahead: orders that get a courier before it.
        """
        count = len(self.free_at_s)
        rounds, index = divmod(max(0, ahead), count)
        courier_s = max(now_s, self.free_at_s[index]) + rounds * round_trip_s
        share = 1.0 - rounds * count / (max(0, ahead) + 1)
        chain_s = now_s + max(0.0, ready_s - now_s) * share + rounds * round_trip_s
        return max(ready_s, courier_s, chain_s)

    def send(self, trips: Iterable[tuple[float, float]]) -> tuple[Couriers, list[float]]:
        """Send a courier for each (ready_s, round_trip_s), in order; the pickup times."""
        heap = list(self.free_at_s)
        pickups: list[float] = []
        for ready_s, round_trip_s in trips:
            pickup_s = max(ready_s, heap[0])
            heapq.heapreplace(heap, pickup_s + round_trip_s)
            pickups.append(pickup_s)
        return Couriers(tuple(heap)), pickups

    def away(self, now_s: float) -> int:
        """How many are not at the door at `now_s`."""
        return sum(1 for free in self.free_at_s if free > now_s)
