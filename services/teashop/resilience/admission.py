"""Admission: a permit for each request in flight, as many as the limit says.

The limiter keeps the count, the limit does the maths (`limit.Limit`): the split is that of Netflix's
concurrency-limits (`Limiter.acquire` returns a `Listener` that ends in onSuccess, onIgnore or
onDropped), and the rule that a permit ends exactly once is that of failsafe-go.
"""

from types import TracebackType
from typing import ClassVar, Final, Self

from teashop.resilience.limit import Limit
from teashop.resilience.refusal import Refusal


class LimitReached(Refusal):
    """As many requests are in flight as the limit allows."""

    reason: ClassVar[str] = "limit"


class PermitResolved(Exception):  # not RuntimeError, which mypyc cannot inherit from
    """A permit was ended a second time: a defect of the caller, never of the load."""


_UNBOUNDED: Final = 1 << 60
_TWICE: Final = "this permit has ended already; end each permit exactly once."


class Permit:
    """The right to have one request in flight; ends in `succeed`, `ignore` or `drop`, once.

    As a context manager it ends itself as ignored if the block left it open, by exception or not:
    a permit that leaks would shrink the limit for good.
    """

    __slots__ = ("_limiter", "open", "started_s")

    def __init__(self, limiter: "Limiter", started_s: float) -> None:
        self._limiter = limiter
        self.started_s = started_s
        self.open = True

    def succeed(self, now_s: float, rtt_s: float | None = None) -> None:
        """End it: the work was done. `rtt_s` replaces the time since the permit was given.

        Samples must be comparable with each other: where answers differ in size (a short rung
        beside a full one), pass the time scaled to the full size, or `ignore` the odd ones.

        Raises:
            PermitResolved: it had ended before.
        """
        if not self.open:
            raise PermitResolved(_TWICE)
        self.open = False
        limiter = self._limiter
        in_flight = limiter.in_flight
        limiter.in_flight = in_flight - 1
        if rtt_s is None:
            rtt_s = now_s - self.started_s
        limiter.limit.on_sample(now_s, rtt_s, in_flight, False)

    def ignore(self) -> None:
        """End it without a sample: the answer says nothing of load (a bad request, a cancel).

        Raises:
            PermitResolved: it had ended before.
        """
        self._end()

    def drop(self, now_s: float) -> None:
        """End it: the work was lost to load (time-out, refusal by the dependency).

        Raises:
            PermitResolved: it had ended before.
        """
        limiter = self._limiter
        in_flight = limiter.in_flight
        self._end()
        limiter.limit.on_sample(now_s, now_s - self.started_s, in_flight, True)

    def _end(self) -> None:
        if not self.open:
            raise PermitResolved(_TWICE)
        self.open = False
        self._limiter.in_flight -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.open:
            self._end()


class Limiter:
    """Counts permits against a `Limit`; not thread-safe (one event loop owns it).

    Attributes:
        limit: the policy that moves the bound.
        in_flight: permits given and not ended.
    """

    __slots__ = ("_most", "in_flight", "limit")

    def __init__(self, limit: Limit, *, max_in_flight: int | None = None) -> None:
        if max_in_flight is not None and max_in_flight < 1:
            raise ValueError(f"Limiter.max_in_flight must be at least 1, got {max_in_flight}.")
        self.limit = limit
        self.in_flight = 0
        self._most = _UNBOUNDED if max_in_flight is None else max_in_flight

    @property
    def bound(self) -> int:
        """The number of permits that may be out now."""
        return min(self.limit.limit, self._most)

    @property
    def free(self) -> int:
        """Permits that could be given now, at least 0 (a limit may fall below `in_flight`)."""
        free = self.bound - self.in_flight
        return free if free > 0 else 0

    def acquire(self, now_s: float) -> Permit:
        """Give a permit.

        Raises:
            LimitReached: none is free.
        """
        permit = self.try_acquire(now_s)
        if permit is None:
            raise LimitReached(f"{self.in_flight} requests are in flight, the limit.")
        return permit

    def try_acquire(self, now_s: float) -> Permit | None:
        """Give a permit, or None if none is free: for callers to whom that is no exception."""
        in_flight = self.in_flight
        if in_flight >= self.limit.limit or in_flight >= self._most:
            return None
        self.in_flight = in_flight + 1
        return Permit(self, now_s)
