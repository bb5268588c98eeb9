"""The orders service: database threads behind a bounded line, first come, first served."""

from __future__ import annotations

import math
import random
from heapq import heappop, heappush, heapreplace


class Threads:
    """`count` servers with one line. When a job starts is known as soon as it comes.

    First come, first served needs no event for a start: the job takes the thread that is free
    first. Not thread-safe.
    """

    __slots__ = ("_free_at_s", "_inside", "_most", "busy_s")

    def __init__(self, count: int, waiting: float) -> None:
        self._free_at_s = [0.0] * count
        self._inside: list[float] = []
        self._most = count + waiting
        self.busy_s = 0.0

    def begin(self, now_s: float, work_s: float) -> float | None:
        """When a job that comes now is done; None: too many are inside."""
        inside = self._inside
        while inside and inside[0] <= now_s:
            heappop(inside)
        if len(inside) >= self._most:
            return None
        free_s = self._free_at_s[0]
        done_s = (free_s if free_s > now_s else now_s) + work_s
        heapreplace(self._free_at_s, done_s)
        heappush(inside, done_s)
        self.busy_s += work_s
        return done_s


class OrdersReplica:
    """One replica of orders."""

    __slots__ = ("_rng", "_transaction_s", "name", "threads")

    def __init__(
        self, name: str, *, threads: int, waiting: int, transaction_s: float, rng: random.Random
    ) -> None:
        self.name = name
        self.threads = Threads(threads, waiting)
        self._transaction_s = transaction_s
        self._rng = rng

    def transaction(self, now_s: float) -> float | None:
        """When a transaction that comes now is done; None: refused, the line is full."""
        work_s = -math.log(1.0 - self._rng.random()) * self._transaction_s
        return self.threads.begin(now_s, work_s)
