"""The event loop: (time, number, callback, argument), soonest first, and nothing else.

Tuples compare in C, and the number makes every comparison end before the callback. What lies more
than a moment ahead waits in the bucket of its sixty-fourth of a second and is sorted when that
begins: a calendar queue (Brown, "Calendar queues", CACM 1988) whose current day is a heap. A heap
of everything would be thousands deep in clients that come back in seconds, and every event would
pay a dozen comparisons to pass them. Things that were drawn beforehand (arrivals) enter neither:
`run` merges the sorted stream with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any, Final

type Callback = Callable[[float, Any], None]
type _Event = tuple[Any, ...]
"""(time_s, number, callback, argument), never taken apart: compiled code would box each part anew."""

_END: Final[_Event] = (math.inf, 0, None, None)
"""Stays when all others have gone, so that nobody has to ask whether there is a first."""
_PER_S: Final = 64.0
"""Buckets a second: a power of two, so that an event's bucket and a bucket's end are exact."""


class Loop:
    """Virtual time. Not thread-safe; equal calls in equal order give equal runs.

    Attributes:
        events: callbacks run by `run`, arrivals included.
    """

    __slots__ = ("_begun", "_horizon_s", "_later", "_number", "_soon", "events")

    def __init__(self) -> None:
        self._soon: list[_Event] = [_END]
        self._horizon_s = 0.0  # whatever is before it is in `_soon`, the rest in `_later`
        self._later: dict[int, list[_Event]] = {}
        self._begun: list[int] = []  # the buckets of `_later`, a heap
        self._number = 0
        self.events = 0

    def at(self, time_s: float, callback: Callback, argument: object = None) -> None:
        """Call `callback(time_s, argument)` at that time; a time gone by means next."""
        self._number += 1
        event = (time_s, self._number, callback, argument)
        if time_s < self._horizon_s:
            heappush(self._soon, event)
            return
        bucket = int(time_s * _PER_S)
        later = self._later.get(bucket)
        if later is None:
            self._later[bucket] = [event]
            heappush(self._begun, bucket)
        else:
            later.append(event)

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
        soon, pop = self._soon, heappop
        arrived = 0
        now_s = 0.0
        for time_s, argument in arrivals:
            while True:
                while soon[0][0] <= time_s:
                    event = pop(soon)
                    event[2](event[0], event[3])
                if time_s < self._horizon_s or not self._open(time_s):
                    break
            arrive(time_s, argument)
            arrived += 1
            now_s = time_s
        while soon[0] is not _END or self._open(math.inf):
            event = pop(soon)
            now_s = event[0]
            event[2](now_s, event[3])
        self.events = self._number + arrived  # nothing is left, so every number was called
        return now_s

    def _open(self, until_s: float) -> bool:
        """Let the next bucket begin if it does by `until_s`; `_soon` has but its end in it."""
        begun = self._begun
        if not begun or begun[0] > until_s * _PER_S:
            if until_s < math.inf:  # nobody waits in its bucket, so none before its end has to look
                self._horizon_s = (int(until_s * _PER_S) + 1) / _PER_S
            return False
        bucket = heappop(begun)
        events = self._later.pop(bucket)
        events.sort()
        events.append(_END)
        self._soon[:] = events  # a sorted list is a heap
        self._horizon_s = (bucket + 1) / _PER_S
        return True
