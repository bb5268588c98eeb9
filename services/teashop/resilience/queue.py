"""A bounded waiting line that sheds by age and importance rather than by luck."""

from collections import deque
from collections.abc import Iterator
from typing import ClassVar, Final, NamedTuple

from teashop.resilience.criticality import Criticality
from teashop.resilience.queue_config import QueueConfig
from teashop.resilience.refusal import Refusal
from teashop.resilience.standing import Standing

_LEVELS: Final = len(Criticality)


class QueueFull(Refusal):
    """The queue is at capacity and holds nothing less important."""

    reason: ClassVar[str] = "queue_full"


class Popped[T](NamedTuple):
    """What a pop gave: the item to serve, if any, and those dropped with their reason."""

    item: T | None
    dropped: list[tuple[T, str]]


class _Entry[T]:
    __slots__ = ("deadline_s", "item", "level", "pushed_s")

    def __init__(self, item: T, level: int, pushed_s: float, deadline_s: float | None) -> None:
        self.item = item
        self.level = level
        self.pushed_s = pushed_s
        self.deadline_s = deadline_s


class PriorityCodelQueue[T]:
    """One line per criticality, each with a CoDel of its own; most critical served first.

    CoDel (Nichols & Jacobson, RFC 8289) tells a burst from a standing queue (`standing.Standing`).
    Its drop schedule (interval over the square root of the count) waits for TCP senders to slow
    down; refused HTTP callers of an open crowd do not. So drops follow Facebook's use of it
    (Maurer, "Fail at Scale", ACM Queue 13(8), 2015; folly's `Codel`): while the wait stands,
    everything older than twice the target goes. Hence the wait of what is served stays below
    2·target from one interval after the onset.

    Adaptive LIFO (same article): while the wait stands the newest is served first, for its caller
    is the likeliest to be still there. At capacity a more critical item takes the place of the
    least critical one, of those the one whose turn is furthest. Items past their deadline are never
    served.

    Items are told apart by identity; the same object cannot wait twice. Not thread-safe. Push and
    pop cost a few microseconds; `remove` is linear in the line.
    """

    __slots__ = ("_both", "_capacity", "_codel", "_entries", "_lines", "_most_s", "_newest_first",
                 "_priorities", "_standing")  # fmt: skip

    def __init__(self, config: QueueConfig) -> None:
        self._capacity = config.capacity
        self._priorities = config.priorities
        self._codel = config.codel
        self._most_s = 2.0 * config.target_s
        self._newest_first = config.adaptive_lifo
        levels = _LEVELS if config.priorities else 1
        self._lines: tuple[deque[_Entry[T]], ...] = tuple(deque() for _ in range(levels))
        self._standing = tuple(
            Standing(target_s=config.target_s, interval_s=config.interval_s) for _ in range(levels)
        )
        self._both = tuple(zip(self._lines, self._standing, strict=True))
        self._entries: dict[int, _Entry[T]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[T]:
        return (entry.item for line in self._lines for entry in line)

    def takes(self, criticality: int) -> bool:
        """Whether a push of this level would find a place, free or taken from a lower level."""
        if len(self._entries) < self._capacity:
            return True
        lines = self._lines
        # Without priorities there is one line and none below it. A plain loop: no generator a request.
        for level in range(criticality + 1, len(lines)):  # noqa: SIM110 - said above
            if lines[level]:
                return True
        return False

    def push(
        self, item: T, criticality: int, now_s: float, deadline_s: float | None = None
    ) -> T | None:
        """Let an item wait; returns the one it took the place of, if any.

        Args:
            item: what waits; the same object must not be waiting already.
            criticality: its level.
            now_s, deadline_s: monotonic seconds; no deadline means it waits for ever.

        Raises:
            QueueFull: at capacity, and nothing that waits is less critical.
            ValueError: this very object is waiting already.
        """
        key = id(item)
        if key in self._entries:
            raise ValueError("the same object is in the queue already.")
        level = int(criticality) if self._priorities else 0
        evicted: T | None = None
        if len(self._entries) >= self._capacity:
            evicted = self._evict_below(level)
        entry = _Entry(item, level, now_s, deadline_s)
        line = self._lines[level]
        if not line:
            self._standing[level].update(now_s, 0.0)
        line.append(entry)
        self._entries[key] = entry
        return evicted

    def pop(self, now_s: float) -> Popped[T]:
        """The next item to serve, and what was dropped on the way (`codel`, `deadline`)."""
        dropped: list[tuple[T, str]] = []
        return Popped(self.take(now_s, dropped), dropped)

    def take(self, now_s: float, dropped: list[tuple[T, str]]) -> T | None:
        """As `pop`, what is dropped being added to a list: nothing is made for an answer."""
        served: _Entry[T] | None = None
        for line, standing in self._both:
            if not line:  # nobody waits here: a wait of 0
                if now_s >= standing.ends_s:
                    standing.update(now_s, 0.0)
                else:
                    standing.least_s = 0.0
                continue
            self._sweep(line, standing, now_s, dropped)
            while line and served is None:
                newest = self._newest_first and standing.on
                entry = line.pop() if newest else line.popleft()
                del self._entries[id(entry.item)]
                if entry.deadline_s is not None and entry.deadline_s <= now_s:
                    dropped.append((entry.item, "deadline"))
                else:
                    served = entry
        return None if served is None else served.item

    def remove(self, item: T) -> bool:
        """Take an item out (its caller hung up); False if it was not waiting."""
        entry = self._entries.pop(id(item), None)
        if entry is None:
            return False
        self._lines[entry.level].remove(entry)
        return True

    def _evict_below(self, level: int) -> T:
        for lower in range(len(self._lines) - 1, level, -1):
            line = self._lines[lower]
            if line:
                # The one whose turn is furthest: the newest in order, the oldest under LIFO.
                newest_first = self._newest_first and self._standing[lower].on
                entry = line.popleft() if newest_first else line.pop()
                del self._entries[id(entry.item)]
                return entry.item
        raise QueueFull(f"{len(self._entries)} requests are waiting, none of them less critical.")

    def _sweep(
        self,
        line: deque[_Entry[T]],
        standing: Standing,
        now_s: float,
        dropped: list[tuple[T, str]],
    ) -> None:
        """Update the estimator of a line that somebody waits in; drop its head while overdue."""
        standing.update(now_s, now_s - line[0].pushed_s)
        while line:
            head = line[0]
            if head.deadline_s is not None and head.deadline_s <= now_s:
                reason = "deadline"
            elif self._codel and standing.on and now_s - head.pushed_s > self._most_s:
                reason = "codel"
            else:
                return
            line.popleft()
            del self._entries[id(head.item)]
            dropped.append((head.item, reason))
