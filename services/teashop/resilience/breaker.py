"""Stop asking an endpoint that only fails, and find out gently when it is back."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from teashop.resilience.checks import above, at_least, within
from teashop.resilience.refusal import Refusal


class BreakerOpen(Refusal):
    """The breaker of this endpoint is open; for callers that have nowhere else to go."""

    reason: ClassVar[str] = "breaker"


class State(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, kw_only=True, slots=True)
class BreakerConfig:
    """Settings of a breaker.

    Attributes:
        failure_share: it opens when this share of the recent calls failed.
        min_calls: and at least so many were made.
        window_s: "recent", seconds.
        window_calls: and at most so many.
        open_s: how long it stays open before it lets a probe through.
        probes: successes in a row that close it; as many may be under way at once.
    """

    failure_share: float = 0.5
    min_calls: int = 10
    window_s: float = 10.0
    window_calls: int = 100
    open_s: float = 2.0
    probes: int = 2

    def __post_init__(self) -> None:
        within(self, "failure_share", self.failure_share, 0.01, 1.0)
        at_least(self, "min_calls", self.min_calls, 1)
        above(self, "window_s", self.window_s, 0.0)
        at_least(self, "window_calls", self.window_calls, self.min_calls)
        above(self, "open_s", self.open_s, 0.0)
        at_least(self, "probes", self.probes, 1)


class Breaker:
    """Nygard's circuit breaker ("Release It!", ch. 5) over a sliding window.

    closed -> open when `failure_share` of the last calls failed; open -> half-open after `open_s`,
    on the next question; half-open -> closed after `probes` successes, -> open on the first
    failure. A probe whose answer never comes is given up after another `open_s`, so a lost caller
    cannot keep it half-open for ever. Answers that come while it is open belong to calls from
    before and change nothing.

    One per endpoint; a refusal for load (503 with Retry-After) is not a failure of the endpoint:
    record it as ok, the limit and the budget deal with it. Not thread-safe.

    Attributes:
        state: where it stands; closed: whether that is the closed state.
    """

    __slots__ = ("_calls", "_config", "_failures", "_most", "_probes_out", "_since_s",
                 "_succeeded", "closed", "state")  # fmt: skip

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self.state = State.CLOSED
        self.closed = True
        self._most = config.window_calls
        self._calls: deque[tuple[float, bool]] = deque(maxlen=config.window_calls)
        self._failures = 0
        self._since_s = 0.0
        self._probes_out = 0
        self._succeeded = 0

    def allow(self, now_s: float) -> bool:
        """Whether a call may be made now; in the half-open state a yes is one of the probes."""
        if self.closed:
            return True
        config = self._config
        if self.state is State.OPEN:
            if now_s - self._since_s < config.open_s:
                return False
            self._enter(State.HALF_OPEN, now_s)
        if self._probes_out >= config.probes:
            if now_s - self._since_s < config.open_s:
                return False
            self._probes_out = 0
        self._probes_out += 1
        self._since_s = now_s
        return True

    def record(self, now_s: float, ok: bool) -> None:
        """The answer to a call that was allowed."""
        if self.closed:
            if ok and not self._failures:
                self._calls.append((now_s, True))  # how old the others are matters once one fails
            else:
                self._judge(now_s, ok)
        elif self.state is State.HALF_OPEN:
            self._probes_out = max(0, self._probes_out - 1)
            if not ok:
                self._enter(State.OPEN, now_s)
                return
            self._succeeded += 1
            if self._succeeded >= self._config.probes:
                self._enter(State.CLOSED, now_s)

    def retry_after_s(self, now_s: float) -> float:
        """Seconds until a probe may go, 0 when one may go now."""
        if self.state is not State.OPEN:
            return 0.0
        return max(0.0, self._since_s + self._config.open_s - now_s)

    def _judge(self, now_s: float, ok: bool) -> None:
        config, calls = self._config, self._calls
        while calls and (len(calls) == self._most or calls[0][0] < now_s - config.window_s):
            self._failures -= not calls.popleft()[1]
        calls.append((now_s, ok))
        self._failures += not ok
        if len(calls) >= config.min_calls and self._failures >= config.failure_share * len(calls):
            self._enter(State.OPEN, now_s)

    def _enter(self, state: State, now_s: float) -> None:
        self.state = state
        self.closed = state is State.CLOSED
        self._since_s = now_s
        self._probes_out = 0
        self._succeeded = 0
        self._calls.clear()
        self._failures = 0
