"""More people than the shop can serve: the load makes it, the servers' own counters prove it."""

from collections.abc import Callable

from teastorm.chaos.faults.base import Fault, Proof, Site
from teastorm.chaos.servers import Counts
from teastorm.platforms.base import JsonValue

SEEN_SHARE = 0.95
"""The servers must have seen this share of the planned rate (DEFINITIONS.md)."""

CHANCE = 2.0
"""Standard deviations that the draw of the arrivals may take off the planned number."""

SENT_TOLERANCE = 0.02
"""And must agree with what was sent within this share of it …"""

IN_FLIGHT_S = 0.5
"""… and what half a second brings, as the servers' count is read over a few milliseconds."""

LOOK_S = 4.0
"""A look costs every gateway a metrics page while it is busiest, and two looks are enough."""


class Surge(Fault):
    """Watch the load's fault phase.

    `planned_rps` is the chat rate the plan asks for, averaged over the window; `seen` counts the
    chats that all gateways have counted so far; a look at which one of them is silent is no look.
    Nothing is begun here and nothing has to be undone: the load does both by its plan. What was
    really sent is known from the request log afterwards: `agrees` is asked then.
    """

    kind = "surge"
    service = "inference"

    def __init__(self, planned_rps: float, *, seen: Callable[[], Counts]) -> None:
        if not planned_rps > 0:
            raise ValueError(f"planned_rps must be above 0, got {planned_rps}")
        self._planned_rps = planned_rps
        self._seen = seen
        self._first = (0.0, 0.0)
        self._last = (0.0, 0.0)

    @property
    def window_s(self) -> tuple[float, float]:
        """Between which moments of the run the servers' counts were compared."""
        return self._first[0], self._last[0]

    @property
    def seen(self) -> float:
        """Chats the servers counted in that window."""
        return self._last[1] - self._first[1]

    def planned(self) -> dict[str, JsonValue]:
        """The rate, and what the degradation contract calls the state."""
        return {"chat_rps": round(self._planned_rps, 3), "state": "overloaded"}

    def begin(self, site: Site) -> None:
        """Take the count it starts from."""
        self._first = self._last = self._count(site) or (site.now_s(), 0.0)

    def observe(self, site: Site) -> None:
        """Take the count so far."""
        if site.now_s() - self._last[0] >= LOOK_S:
            self._last = self._count(site) or self._last

    def end(self, site: Site) -> None:
        """The plan ends it."""

    def healed(self, site: Site) -> bool:
        """Nothing was changed, so there is nothing to heal; recovery is the verdict's to judge."""
        del site
        return True

    def proof(self, site: Site) -> Proof:
        """Compare what the servers saw with what was planned."""
        del site
        seconds = self._last[0] - self._first[0]
        if seconds <= 0:
            return Proof(proved=False, evidence="the fault phase was never observed")
        planned = self._planned_rps * seconds
        return Proof(
            proved=self.seen >= SEEN_SHARE * planned - CHANCE * planned**0.5,
            evidence=(
                f"the gateways counted {self.seen:.0f} chats in {seconds:.1f} s "
                f"({self.seen / seconds:.1f}/s), planned were {planned:.0f}"
            ),
        )

    def agrees(self, sent: float, unanswered: float) -> bool:
        """Whether the servers' count and the attempts sent in `window_s` are the same, but for noise.

        An attempt that got no answer at all may have waited in a socket that nobody read: the
        servers may have seen it or not.
        """
        seconds = max(self._last[0] - self._first[0], 1e-9)
        noise = SENT_TOLERANCE * sent + IN_FLIGHT_S * sent / seconds
        return sent - unanswered - noise <= self.seen <= sent + noise

    def _count(self, site: Site) -> tuple[float, float] | None:
        seen = self._seen()
        return (site.now_s(), seen.offered) if seen.complete else None
