"""The breaker against a plain model of it, over any sequence of calls, answers and silences.

The model keeps whole lists and counts them anew each time; the breaker keeps running sums.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from teashop.resilience.breaker import Breaker, BreakerConfig, State


class Model(RuleBasedStateMachine):
    """Every answer of the breaker is the one that its description asks for."""

    @initialize(
        min_calls=st.integers(1, 4),
        extra=st.integers(0, 4),
        probes=st.integers(1, 3),
        failure_share=st.sampled_from([0.25, 0.5, 1.0]),
    )
    def begin(self, min_calls: int, extra: int, probes: int, failure_share: float) -> None:
        self.config = BreakerConfig(
            min_calls=min_calls,
            window_calls=min_calls + extra,
            probes=probes,
            failure_share=failure_share,
            window_s=4.0,
            open_s=2.0,
        )
        self.breaker = Breaker(self.config)
        self.now_s = 0.0
        self.state = State.CLOSED
        self.recent: list[tuple[float, bool]] = []
        self.opened_s = 0.0
        self.asked_s = 0.0
        self.out = 0
        self.good = 0

    def enter(self, state: State) -> None:
        self.state = state
        self.recent.clear()
        self.out = self.good = 0
        if state is State.OPEN:
            self.opened_s = self.now_s

    # Quarters of a second are exact in binary, so "just now due" is not a matter of rounding.
    @rule(quarters=st.integers(0, 14))
    def time_passes(self, quarters: int) -> None:
        self.now_s += quarters / 4

    @rule()
    def ask(self) -> None:
        expected = True
        if self.state is State.OPEN:
            expected = self.now_s - self.opened_s >= self.config.open_s
            if expected:
                self.enter(State.HALF_OPEN)
        if self.state is State.HALF_OPEN:
            if self.out == self.config.probes:
                # Probes nobody answered are given up after as long as it would have been open.
                expected = self.now_s - self.asked_s >= self.config.open_s
                self.out = 0 if expected else self.out
            if expected:
                self.out += 1
                self.asked_s = self.now_s
        assert self.breaker.allow(self.now_s) is expected

    @rule(ok=st.booleans())
    def answer(self, ok: bool) -> None:
        self.breaker.record(self.now_s, ok)
        if self.state is State.CLOSED:
            self.recent.append((self.now_s, ok))
            self.recent = [
                call for call in self.recent if call[0] >= self.now_s - self.config.window_s
            ][-self.config.window_calls :]
            failures = [ok for _, ok in self.recent].count(False)
            enough = len(self.recent) >= self.config.min_calls
            if enough and failures >= self.config.failure_share * len(self.recent):
                self.enter(State.OPEN)
        elif self.state is State.HALF_OPEN:
            self.out = max(0, self.out - 1)
            self.good += ok
            if not ok:
                self.enter(State.OPEN)
            elif self.good == self.config.probes:
                self.enter(State.CLOSED)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "breaker"):
            return
        assert self.breaker.state is self.state
        wait_s = self.breaker.retry_after_s(self.now_s)
        if self.state is State.OPEN:
            assert wait_s == max(0.0, self.opened_s + self.config.open_s - self.now_s)
        else:
            assert wait_s == 0.0


Model.TestCase.settings = settings(deadline=None, max_examples=100)
TestModel = Model.TestCase
