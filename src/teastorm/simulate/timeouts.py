"""Time-outs that all last the same: a line instead of a heap, and one event for its head."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from teastorm.simulate.loop import Loop
from teastorm.simulate.visit import Try


def is_open(attempt: Try) -> bool:
    """Its client still waits."""
    return attempt.open


def holds_permit(attempt: Try) -> bool:
    """Its gateway still waits for the dependency."""
    return attempt.permit is not None and attempt.permit.open


def has_no_permit(attempt: Try) -> bool:
    """It may still stand in line."""
    return attempt.permit is None


class Timeouts:
    """Calls `late(now_s, attempt)` for each attempt still alive `delay_s` after it was added.

    Attempts are added in order of time, so the line is sorted by itself; most are answered long
    before they reach its head and cost one append and one popleft.
    """

    __slots__ = ("_alive", "_armed", "_late", "_line", "_loop", "delay_s")

    def __init__(
        self,
        loop: Loop,
        delay_s: float,
        late: Callable[[float, Try], None],
        *,
        alive: Callable[[Try], bool] = is_open,
    ) -> None:
        self._alive = alive
        self._loop = loop
        self.delay_s = delay_s
        self._late = late
        self._line: deque[tuple[float, Try]] = deque()
        self._armed = False

    def add(self, now_s: float, attempt: Try) -> None:
        """Watch one more attempt."""
        due_s = now_s + self.delay_s
        self._line.append((due_s, attempt))
        if not self._armed:
            self._armed = True
            self._loop.at(due_s, self._fire)

    def _fire(self, now_s: float, _: object) -> None:
        line = self._line
        while line:
            due_s, attempt = line[0]
            alive = self._alive(attempt)
            if alive and due_s > now_s:
                self._loop.at(due_s, self._fire)
                return
            line.popleft()
            if alive:
                self._late(now_s, attempt)
        self._armed = False
