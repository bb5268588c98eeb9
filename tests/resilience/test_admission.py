"""A permit ends exactly once, and the count is right whatever is done with it."""

from dataclasses import dataclass, field

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from teashop.resilience.admission import Limiter, LimitReached, Permit, PermitResolved
from teashop.resilience.limit import FixedLimit


@dataclass
class RecordingLimit:
    limit: int = 2
    samples: list[tuple[float, float, int, bool]] = field(default_factory=list)

    def on_sample(self, now_s: float, rtt_s: float, in_flight: int, dropped: bool) -> None:
        self.samples.append((now_s, rtt_s, in_flight, dropped))


def test_refuses_at_the_limit() -> None:
    limiter = Limiter(FixedLimit(2))
    limiter.acquire(0.0)
    limiter.acquire(0.0)
    with pytest.raises(LimitReached) as refused:
        limiter.acquire(0.0)
    assert refused.value.reason == "limit"
    assert refused.value.retry_after_s > 0.0
    assert limiter.in_flight == 2
    assert limiter.free == 0


def test_the_hard_cap_holds_below_the_limit() -> None:
    limiter = Limiter(FixedLimit(10), max_in_flight=1)
    limiter.acquire(0.0)
    with pytest.raises(LimitReached):
        limiter.acquire(0.0)
    with pytest.raises(ValueError, match="max_in_flight"):
        Limiter(FixedLimit(1), max_in_flight=0)


def test_what_each_end_reports() -> None:
    limit = RecordingLimit()
    limiter = Limiter(limit)
    limiter.acquire(1.0).succeed(1.5)
    limiter.acquire(2.0).succeed(2.5, rtt_s=0.2)
    limiter.acquire(3.0).drop(4.0)
    limiter.acquire(5.0).ignore()
    assert limit.samples == [(1.5, 0.5, 1, False), (2.5, 0.2, 1, False), (4.0, 1.0, 1, True)]
    assert limiter.in_flight == 0


def test_an_exception_leaves_the_permit_ignored() -> None:
    limit = RecordingLimit()
    limiter = Limiter(limit)
    with pytest.raises(KeyError), limiter.acquire(0.0):
        raise KeyError
    assert limiter.in_flight == 0
    assert limit.samples == []


def test_the_block_may_end_it_itself() -> None:
    limiter = Limiter(RecordingLimit())
    with limiter.acquire(0.0) as permit:
        permit.succeed(1.0)
    assert limiter.in_flight == 0


def test_free_is_not_negative_when_the_limit_falls() -> None:
    limit = RecordingLimit(limit=3)
    limiter = Limiter(limit)
    for _ in range(3):
        limiter.acquire(0.0)
    limit.limit = 1
    assert limiter.free == 0


class Permits(RuleBasedStateMachine):
    """Any order of acquiring and ending, ending twice included."""

    def __init__(self) -> None:
        super().__init__()
        self.limit = RecordingLimit(limit=5)
        self.limiter = Limiter(self.limit)
        self.out: list[Permit] = []
        self.ended: list[Permit] = []
        self.sampled = 0

    @rule()
    def acquire(self) -> None:
        if len(self.out) < self.limit.limit:
            self.out.append(self.limiter.acquire(0.0))
        else:
            with pytest.raises(LimitReached):
                self.limiter.acquire(0.0)

    @rule(bound=st.integers(1, 8))
    def move_the_limit(self, bound: int) -> None:
        self.limit.limit = bound

    @precondition(lambda self: self.out)
    @rule(how=st.sampled_from(["succeed", "ignore", "drop", "leave"]), which=st.integers(0, 100))
    def end(self, how: str, which: int) -> None:
        permit = self.out.pop(which % len(self.out))
        if how == "succeed":
            permit.succeed(1.0)
        elif how == "drop":
            permit.drop(1.0)
        elif how == "ignore":
            permit.ignore()
        else:
            with permit:
                pass
        self.sampled += how in {"succeed", "drop"}
        self.ended.append(permit)

    @precondition(lambda self: self.ended)
    @rule(how=st.sampled_from(["succeed", "ignore", "drop"]), which=st.integers(0, 100))
    def end_again(self, how: str, which: int) -> None:
        permit = self.ended[which % len(self.ended)]
        ends = {
            "succeed": lambda: permit.succeed(1.0),
            "drop": lambda: permit.drop(1.0),
            "ignore": permit.ignore,
        }
        with pytest.raises(PermitResolved):
            ends[how]()

    @invariant()
    def the_count_is_right(self) -> None:
        assert self.limiter.in_flight == len(self.out)
        assert len(self.limit.samples) == self.sampled
        assert self.limiter.free == max(0, self.limit.limit - len(self.out))


TestPermits = Permits.TestCase
