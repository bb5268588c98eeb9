"""How long the queue lets things wait: near its target under overload, and nothing dropped below it."""

import heapq
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.resilience.line import C, Item, queue

from teashop.resilience.queue import PriorityCodelQueue, QueueFull


def overloaded(line: PriorityCodelQueue[Item], *, factor: float, seed: int) -> list[float]:
    """One server of 100/s offered `factor` times that for 20 s; waits of what was served.

    The first second is left out: the queue needs an interval to know that the wait stands.
    """
    rng = random.Random(seed)
    pushed: dict[int, float] = {}
    events = [(0.0, 0, True), (0.01, 1, False)]
    waits: list[float] = []
    n = 1
    while events:
        now_s, _, arrival = heapq.heappop(events)
        if now_s > 20.0:
            break
        n += 1
        if arrival:
            item = Item(n)
            try:
                line.push(item, criticality=C.SHEDDABLE_PLUS, now_s=now_s)
                pushed[n] = now_s
            except QueueFull:
                pass
            heapq.heappush(events, (now_s + rng.expovariate(100.0 * factor), n, True))
        else:
            served = line.pop(now_s).item
            if served is not None and now_s > 1.0:
                waits.append(now_s - pushed[served.n])
            heapq.heappush(events, (now_s + 0.01, n, False))
    return waits


@pytest.mark.parametrize("factor", [1.2, 3.0])
@pytest.mark.parametrize("lifo", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_standing_wait_is_held_near_the_target(factor: float, lifo: bool, seed: int) -> None:
    line = queue(capacity=500, target_s=0.05, interval_s=0.2, adaptive_lifo=lifo)
    waits = overloaded(line, factor=factor, seed=seed)
    assert len(waits) >= 0.97 * 1900
    waits.sort()
    assert waits[len(waits) // 2] <= 0.105
    assert waits[int(0.98 * len(waits))] <= 0.3


def test_without_codel_the_wait_is_the_whole_queue() -> None:
    line = queue(capacity=500, target_s=0.05, interval_s=0.2, codel=False)
    waits = sorted(overloaded(line, factor=3.0, seed=1))
    assert waits[len(waits) // 2] >= 4.0


@given(st.lists(st.floats(0, 0.04), min_size=1, max_size=200))
def test_waits_below_the_target_drop_nothing(steps: list[float]) -> None:
    line = queue(target_s=0.05, interval_s=0.2)
    now_s = 0.0
    for n, step_s in enumerate(steps):
        item = Item(n)
        line.push(item, criticality=C.CRITICAL, now_s=now_s)
        now_s += step_s
        assert line.pop(now_s) == (item, [])
