"""Nothing lost, nothing twice, never too many; and a standing wait is cut near its target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.resilience.line import C, Item, queue

from teashop.resilience.criticality import Criticality
from teashop.resilience.queue import QueueFull


def test_most_critical_first_then_in_order() -> None:
    line = queue()
    items = [Item(0, C.SHEDDABLE), Item(1, C.CRITICAL), Item(2, C.CRITICAL_PLUS), Item(3)]
    for item in items:
        line.push(item, criticality=item.level, now_s=0.0)
    served = [line.pop(0.0).item for _ in items]
    assert [item.n for item in served if item is not None] == [2, 1, 3, 0]
    assert line.pop(0.0) == (None, [])


def test_without_priorities_it_is_one_line() -> None:
    line = queue(priorities=False, capacity=2)
    low, high = Item(0, C.SHEDDABLE), Item(1, C.CRITICAL_PLUS)
    line.push(low, criticality=low.level, now_s=0.0)
    line.push(high, criticality=high.level, now_s=0.0)
    with pytest.raises(QueueFull):
        line.push(Item(2), criticality=C.CRITICAL_PLUS, now_s=0.0)
    assert line.pop(0.0).item is low


@given(
    st.lists(st.one_of(st.none(), st.sampled_from(C)), max_size=40),
    st.integers(0, 4),
    st.booleans(),
)
def test_takes_says_beforehand_what_push_will_do(
    steps: list[Criticality | None], capacity: int, priorities: bool
) -> None:
    line = queue(capacity=capacity, priorities=priorities)
    for n, level in enumerate(steps):
        if level is None:
            line.pop(0.0)
            continue
        said = line.takes(level)
        try:
            line.push(Item(n), criticality=level, now_s=0.0)
        except QueueFull:
            assert not said
        else:
            assert said


def test_a_more_critical_item_takes_the_place_of_the_least() -> None:
    line = queue(capacity=3)
    low, lowest, newest = Item(0), Item(1), Item(2)
    line.push(low, criticality=C.SHEDDABLE_PLUS, now_s=0.0)
    line.push(lowest, criticality=C.SHEDDABLE, now_s=0.0)
    line.push(newest, criticality=C.SHEDDABLE, now_s=0.1)
    assert line.push(Item(3), criticality=C.CRITICAL, now_s=0.2) is newest
    assert line.push(Item(4), criticality=C.CRITICAL, now_s=0.2) is lowest
    with pytest.raises(QueueFull) as refused:
        line.push(Item(5), criticality=C.SHEDDABLE_PLUS, now_s=0.2)
    assert refused.value.reason == "queue_full"


def test_capacity_zero_refuses() -> None:
    with pytest.raises(QueueFull):
        queue(capacity=0).push(Item(0), criticality=C.CRITICAL_PLUS, now_s=0.0)


def test_the_same_object_does_not_wait_twice() -> None:
    line = queue()
    item = Item(0)
    line.push(item, criticality=C.CRITICAL, now_s=0.0)
    with pytest.raises(ValueError, match="already"):
        line.push(item, criticality=C.CRITICAL, now_s=0.0)


def test_what_is_past_its_deadline_is_never_served() -> None:
    line = queue()
    dead, alive = Item(0), Item(1)
    line.push(dead, criticality=C.CRITICAL, now_s=0.0, deadline_s=1.0)
    line.push(alive, criticality=C.CRITICAL, now_s=0.0, deadline_s=3.0)
    assert line.pop(1.0) == (alive, [(dead, "deadline")])


def test_a_burst_is_let_through() -> None:
    line = queue(target_s=0.1, interval_s=0.5)
    items = [Item(i) for i in range(20)]
    for item in items:
        line.push(item, criticality=C.CRITICAL, now_s=0.0)
    # Served in 0.4 s: some wait four targets, but no wait stands for an interval.
    popped = [line.pop(0.02 * (i + 1)) for i in range(20)]
    assert [p.item for p in popped] == items
    assert not any(p.dropped for p in popped)


class Model(RuleBasedStateMachine):
    """Every item pushed leaves exactly once: served, dropped, evicted or removed."""

    @initialize(
        codel=st.booleans(),
        lifo=st.booleans(),
        priorities=st.booleans(),
        capacity=st.integers(1, 6),
    )
    def begin(self, codel: bool, lifo: bool, priorities: bool, capacity: int) -> None:
        self.capacity = capacity
        self.line = queue(
            capacity=capacity,
            target_s=0.1,
            interval_s=0.3,
            codel=codel,
            adaptive_lifo=lifo,
            priorities=priorities,
        )
        self.waiting: dict[int, Item] = {}
        self.deadlines: dict[int, float | None] = {}
        self.now_s = 0.0
        self.n = 0

    def left(self, item: Item) -> None:
        assert self.waiting.pop(item.n) is item

    @rule(level=st.sampled_from(C), budget_s=st.none() | st.floats(0, 1))
    def push(self, level: Criticality, budget_s: float | None) -> None:
        self.n += 1
        item = Item(self.n, level)
        deadline_s = None if budget_s is None else self.now_s + budget_s
        full = len(self.line) == self.capacity
        try:
            evicted = self.line.push(
                item, criticality=level, now_s=self.now_s, deadline_s=deadline_s
            )
        except QueueFull:
            assert full
            return
        assert (evicted is not None) == full
        if evicted is not None:
            assert evicted.level > level
            assert evicted.level == max(other.level for other in self.waiting.values())
            self.left(evicted)
        self.waiting[item.n] = item
        self.deadlines[item.n] = deadline_s

    @rule(passed_s=st.floats(0, 0.4))
    def pop(self, passed_s: float) -> None:
        self.now_s += passed_s
        item, dropped = self.line.pop(self.now_s)
        for lost, reason in dropped:
            assert reason in {"codel", "deadline"}
            self.left(lost)
        if item is None:
            assert not self.waiting
            return
        deadline_s = self.deadlines[item.n]
        assert deadline_s is None or deadline_s > self.now_s
        self.left(item)

    @precondition(lambda self: bool(self.waiting))
    @rule(which=st.integers(0, 100))
    def remove(self, which: int) -> None:
        item = self.waiting.pop(list(self.waiting)[which % len(self.waiting)])
        assert self.line.remove(item)
        assert not self.line.remove(item)

    @invariant()
    def nothing_lost(self) -> None:
        if hasattr(self, "line"):
            assert len(self.line) == len(self.waiting) <= self.capacity
            assert {item.n for item in self.line} == set(self.waiting)


TestModel = Model.TestCase
