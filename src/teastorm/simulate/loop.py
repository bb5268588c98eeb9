"""The event loop: a heap of (time, number, callback, argument), and nothing else.

Tuples compare in C, and the number makes every comparison end before the callback. Things that
were drawn beforehand (arrivals) never enter the heap: `run` merges the sorted stream with it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any

type Callback = Callable[[float, Any], None]


class Loop:
    """Virtual time. Not thread-safe; equal calls in equal order give equal runs.

    Attributes:
        heap: events to come, for hot paths that push by themselves (`push`).
        number: how many were pushed; it breaks ties in that order.
        events: callbacks run so far, arrivals included.
    """

    __slots__ = ("events", "heap", "number")

    def __init__(self) -> None:
        self.heap: list[tuple[float, int, Callback, Any]] = []
        self.number = 0
        self.events = 0

    def at(self, time_s: float, callback: Callback, argument: object = None) -> None:
        """Call `callback(time_s, argument)` at that time; a time gone by means next."""
        self.number += 1
        heapq.heappush(self.heap, (time_s, self.number, callback, argument))

    def every(self, period_s: float, callback: Callback, *, first_s: float, until_s: float) -> None:
        """Call `callback(now_s, None)` each period from `first_s` on, up to `until_s`."""

        def again(now_s: float, _: object) -> None:
            callback(now_s, None)
            if now_s + period_s <= until_s:
                self.at(now_s + period_s, again)

        if first_s <= until_s:
            self.at(first_s, again)

    def run(self, arrivals: Iterable[tuple[float, Any]], arrive: Callback) -> float:
        """Run until nothing is left; returns the time of the last event.

        Args:
            arrivals: (time, argument), times never falling.
            arrive: called with each.
        """
        heap, pop = self.heap, heapq.heappop
        events = 0
        now_s = 0.0
        for time_s, argument in arrivals:
            while heap and heap[0][0] <= time_s:
                now_s, _, callback, what = pop(heap)
                callback(now_s, what)
                events += 1
            arrive(time_s, argument)
            events += 1
            now_s = time_s
        while heap:
            now_s, _, callback, what = pop(heap)
            callback(now_s, what)
            events += 1
        self.events += events
        return now_s
