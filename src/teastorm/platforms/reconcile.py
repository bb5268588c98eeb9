"""How many replicas to start or stop now: the part of a Deployment that every platform shares.

Pure: time and the number of living replicas arrive as arguments. Not safe for concurrent use;
its owner holds a lock.
"""

from dataclasses import dataclass, field

from teastorm.platforms.plan import ShopPlan

BACKOFF_FIRST_S = 0.2
BACKOFF_CAP_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """Start so many replicas, stop so many."""

    start: int
    stop: int


@dataclass(kw_only=True)
class Wanted:
    """What one service should have, and the starts that are due.

    `startup_s` passes between the loss of a replica and the start of its successor. Replicas that
    die before they were ever ready make the next one wait longer (a crash loop, as the kubelet's
    back-off: doubled each time, capped).
    """

    count: int
    startup_s: float = 0.0
    paused: bool = False
    failures: int = 0
    due_s: list[float] = field(default_factory=list)

    def want(self, count: int, *, active: int, now_s: float, startup_s: float | None) -> None:
        """Change the count; replicas added by this call start after `startup_s` (None: usual)."""
        delay_s = self.startup_s if startup_s is None else startup_s
        self.count = count
        missing = count - active - len(self.due_s)
        if not self.paused:
            self.due_s.extend([now_s + delay_s] * max(missing, 0))

    def died(self, *, was_ready: bool) -> None:
        """A replica ended without being asked to."""
        self.failures = 0 if was_ready else self.failures + 1

    def became_ready(self) -> None:
        """A replica came up: the crash loop, if there was one, is over."""
        self.failures = 0

    def step(self, *, active: int, now_s: float) -> Step:
        """What to do now, `active` replicas being alive and not stopping."""
        if self.paused:
            self.due_s.clear()
            return Step(start=0, stop=max(active - self.count, 0))
        missing = self.count - active - len(self.due_s)
        if missing > 0:
            self.due_s.extend([now_s + self.startup_s + self._backoff_s()] * missing)
        surplus = max(-missing, 0)
        cancelled = min(surplus, len(self.due_s))
        self.due_s.sort()
        del self.due_s[len(self.due_s) - cancelled :]
        ripe = sum(1 for at_s in self.due_s if at_s <= now_s)
        del self.due_s[:ripe]
        return Step(start=ripe, stop=surplus - cancelled)

    def _backoff_s(self) -> float:
        if self.failures == 0:
            return 0.0
        return float(min(BACKOFF_FIRST_S * 2.0 ** (self.failures - 1), BACKOFF_CAP_S))


def wanted_of(plan: ShopPlan, *, now_s: float) -> dict[str, Wanted]:
    """What each service of a plan should have; its first replicas are due at once."""
    return {
        service: Wanted(
            count=count,
            startup_s=plan.startup_s.get(service, 0.0) / plan.time_factor,
            due_s=[now_s] * count,
        )
        for service, count in plan.replicas.items()
    }
