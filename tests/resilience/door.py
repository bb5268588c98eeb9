"""A gateway's door before a full server, in virtual time, and a day with a spike at it."""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from teashop.resilience.admission import Limiter, LimitReached, Permit
from teashop.resilience.aimd import AimdConfig, AimdLimit
from teashop.resilience.criticality import Criticality
from teashop.resilience.limit import Limit
from teashop.resilience.queue import PriorityCodelQueue, QueueFull
from teashop.resilience.queue_config import QueueConfig

C = Criticality
PLACES = 32
ALONE_S = 0.40
BATCH_S = 0.50
CAPACITY_RPS = PLACES / BATCH_S
MIX = {C.CRITICAL_PLUS: 0.05, C.CRITICAL: 0.10, C.SHEDDABLE_PLUS: 0.55, C.SHEDDABLE: 0.30}
SPIKE = (20.0, 80.0)
END_S = 110.0
SETTLED_S = SPIKE[0] + 5.0
"""The spike's first seconds are the onset: the limit and the queue have to notice it."""
QUEUE = QueueConfig(capacity=64, target_s=0.1, interval_s=0.5)


@dataclass(eq=False, kw_only=True)
class Call:
    """One request; `fate` is set exactly once."""

    came_s: float
    level: Criticality
    begun_s: float = 0.0
    ended_s: float = 0.0
    fate: str = ""

    def end(self, fate: str, now_s: float) -> None:
        assert not self.fate, f"ended as {self.fate} and again as {fate}"
        self.fate, self.ended_s = fate, now_s

    @property
    def waited_s(self) -> float:
        """Time at the door, before a permit."""
        return self.begun_s - self.came_s

    @property
    def took_s(self) -> float:
        return self.ended_s - self.came_s


@dataclass(kw_only=True)
class Day:
    calls: list[Call] = field(default_factory=list)
    busy: list[tuple[float, float]] = field(default_factory=list)
    left_waiting: int = 0
    in_flight: int = 0

    def between(self, start_s: float, end_s: float) -> list[Call]:
        return [call for call in self.calls if start_s <= call.came_s < end_s]

    def utilisation(self, start_s: float, end_s: float) -> float:
        used_s = sum(max(0.0, min(b, end_s) - max(a, start_s)) for a, b in self.busy)
        return used_s / (PLACES * (end_s - start_s))


class Door:
    """Events: an arrival, or the end of one call on the server. No time but that of the events."""

    def __init__(self, limit: Limit, queue: QueueConfig, seed: int) -> None:
        self.rng = random.Random(seed)
        self.limiter = Limiter(limit)
        self.queue: PriorityCodelQueue[Call] = PriorityCodelQueue(queue)
        self.running = 0
        self.inside: deque[tuple[Call, Permit]] = deque()
        self.events: list[tuple[float, int, tuple[Call, Permit] | None]] = []
        self.n = 0
        self.day = Day()

    def later(self, at_s: float, what: tuple[Call, Permit] | None) -> None:
        self.n += 1
        heapq.heappush(self.events, (at_s, self.n, what))

    def run(self, rate_rps: Callable[[float], float], seconds: float) -> Day:
        self.later(self.rng.expovariate(rate_rps(0.0)), None)
        while self.events:
            now_s, _, what = heapq.heappop(self.events)
            if what is not None:
                self.finish(now_s, *what)
            elif now_s < seconds:  # no arrivals after that; what is inside is finished
                self.later(now_s + self.rng.expovariate(rate_rps(now_s)), None)
                self.arrive(now_s)
        self.day.left_waiting = len(self.queue)
        self.day.in_flight = self.limiter.in_flight
        return self.day

    def arrive(self, now_s: float) -> None:
        (level,) = self.rng.choices(list(MIX), weights=list(MIX.values()))
        call = Call(came_s=now_s, level=level)
        self.day.calls.append(call)
        if not len(self.queue):
            try:
                self.enter(now_s, call, self.limiter.acquire(now_s))
            except LimitReached:
                pass
            else:
                return
        try:
            evicted = self.queue.push(call, criticality=level, now_s=now_s)
        except QueueFull:
            call.end("queue_full", now_s)
            return
        if evicted is not None:
            evicted.end("queue_full", now_s)

    def enter(self, now_s: float, call: Call, permit: Permit) -> None:
        call.begun_s = now_s
        if self.running < PLACES:
            self.serve(now_s, call, permit)
        else:
            self.inside.append((call, permit))

    def serve(self, now_s: float, call: Call, permit: Permit) -> None:
        self.running += 1
        share = (self.running - 1) / (PLACES - 1)
        service_s = (ALONE_S + (BATCH_S - ALONE_S) * share) * self.rng.uniform(0.95, 1.05)
        self.day.busy.append((now_s, now_s + service_s))
        self.later(now_s + service_s, (call, permit))

    def finish(self, now_s: float, call: Call, permit: Permit) -> None:
        self.running -= 1
        call.end("served", now_s)
        permit.succeed(now_s)
        if self.inside:
            self.serve(now_s, *self.inside.popleft())
        while len(self.queue) and self.limiter.free:
            popped = self.queue.pop(now_s)
            for dropped, reason in popped.dropped:
                dropped.end(reason, now_s)
            if popped.item is not None:
                self.enter(now_s, popped.item, self.limiter.acquire(now_s))


def load_rps(now_s: float) -> float:
    """0.7 of capacity, and three times the capacity while the spike lasts."""
    return CAPACITY_RPS * (3.0 if SPIKE[0] <= now_s < SPIKE[1] else 0.7)


@cache
def spike_day(seed: int) -> Day:
    return Door(AimdLimit(AimdConfig()), QUEUE, seed).run(load_rps, END_S)


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def success(calls: list[Call], level: Criticality) -> float:
    fates = [call.fate == "served" for call in calls if call.level is level]
    assert len(fates) >= 50, "too few to judge"
    return sum(fates) / len(fates)


def recovered_s(day: Day) -> float:
    """Seconds from the end of the spike to the arrival of the last call refused or slow."""
    slow_s = 1.5 * BATCH_S
    bad = [
        call.came_s
        for call in day.between(SPIKE[1], END_S)
        if call.fate != "served" or call.took_s > slow_s
    ]
    return max(bad, default=SPIKE[1]) - SPIKE[1]
