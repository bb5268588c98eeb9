"""More people than the shop can serve: the load makes it, the servers' own counters prove it."""

from collections.abc import Callable

from teastorm.chaos.faults.base import Fault, Proof, Site
from teastorm.platforms.base import JsonValue

SEEN_SHARE = 0.95
"""The servers must have seen this share of the planned rate (DEFINITIONS.md)."""

SENT_TOLERANCE = 0.02
"""And must agree with what was sent within this share of it."""

IN_FLIGHT_S = 0.5
"""Beyond that, what half a second brings: the two counts are not read at the same instant."""


class Surge(Fault):
    """Watch the load's fault phase.

    `planned_rps` is the chat rate the plan asks for, averaged over the window. `sent` counts the
    chat attempts the generator has sent so far, `seen` those that all gateways have counted; both
    only grow. Nothing is begun here and nothing has to be undone: the load does both by its plan.
    """

    kind = "surge"
    service = "inference"

    def __init__(
        self, planned_rps: float, *, sent: Callable[[], float], seen: Callable[[], float]
    ) -> None:
        if not planned_rps > 0:
            raise ValueError(f"planned_rps must be above 0, got {planned_rps}")
        self._planned_rps = planned_rps
        self._sent = sent
        self._seen = seen
        self._first = (0.0, 0.0, 0.0)
        self._last = (0.0, 0.0, 0.0)

    def planned(self) -> dict[str, JsonValue]:
        """The rate, and what the degradation contract calls the state."""
        return {"chat_rps": round(self._planned_rps, 3), "state": "overloaded"}

    def begin(self, site: Site) -> None:
        """Take the counts it starts from."""
        self._first = self._last = self._count(site)

    def observe(self, site: Site) -> None:
        """Take the counts so far."""
        self._last = self._count(site)

    def end(self, site: Site) -> None:
        """The plan ends it."""

    def healed(self, site: Site) -> bool:
        """Nothing was changed, so there is nothing to heal; recovery is the verdict's to judge."""
        del site
        return True

    def proof(self, site: Site) -> Proof:
        """Compare what the servers saw with what was planned and what was sent."""
        del site
        seconds = self._last[0] - self._first[0]
        if seconds <= 0:
            return Proof(proved=False, evidence="the fault phase was never observed")
        sent = self._last[1] - self._first[1]
        seen = self._last[2] - self._first[2]
        planned = self._planned_rps * seconds
        slack = SENT_TOLERANCE * sent + IN_FLIGHT_S * sent / seconds
        reached = seen >= SEEN_SHARE * planned
        agree = abs(seen - sent) <= slack
        return Proof(
            proved=reached and agree,
            evidence=(
                f"the gateways counted {seen:.0f} chats in {seconds:.1f} s ({seen / seconds:.1f}/s), "
                f"planned {planned:.0f}, sent {sent:.0f}"
            ),
        )

    def _count(self, site: Site) -> tuple[float, float, float]:
        # The servers' count is read last, so that what was counted as sent has had its time.
        sent = self._sent()
        return site.now_s(), sent, self._seen()
