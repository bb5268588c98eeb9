"""One service cannot reach another one: packets are dropped, or rejected."""

from teastorm.chaos.faults.base import Proof
from teastorm.chaos.faults.edge import EdgeFault
from teastorm.chaos.passages import Look, Passage
from teastorm.platforms.faults import EdgeFaultSpec

FAILED = ("connect", "lost", "deadline", "abandoned")


class Partition(EdgeFault):
    """Cut `caller` off from a callee, or from one of its replicas.

    Proved by both ends' counters: callers tried and failed, and while they did not one request
    arrived at the callee, which was reached before.
    """

    kind = "partition"

    def __init__(self, caller: str, spec: EdgeFaultSpec, look: Look) -> None:
        super().__init__(caller, spec, look)
        self.state = "out" if spec.to_replica is None else "overloaded"

    def judged(self, before: Passage, during: Passage) -> Proof:
        """Somebody tried, nobody arrived."""
        tried, arrived = during.attempts(*FAILED), sum(during.arrived.values())
        reached = sum(before.arrived.values())
        return Proof(
            proved=bool(tried and reached and during.arrived) and arrived == 0,
            evidence=(
                f"{self.edge}: {tried:.0f} of the callers' {during.attempts():.0f} attempts failed "
                f"and {arrived:.0f} requests arrived ({reached:.0f} before it)"
            ),
        )

    def sound(self, since: Passage) -> bool:
        """Requests are answered and arrive again."""
        return since.attempts("ok", "refused") > 0 and sum(since.arrived.values()) > 0
