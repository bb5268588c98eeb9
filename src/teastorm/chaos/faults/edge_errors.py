"""Something between two services answers in the callee's place, and badly."""

from teastorm.chaos.faults.base import Proof
from teastorm.chaos.faults.edge import EdgeFault
from teastorm.chaos.passages import Look, Passage
from teastorm.platforms.faults import EdgeFaultSpec

SEEN_SHARE = 0.8
ENOUGH = 10
IN_FLIGHT = 5
"""Requests that one end had counted and the other not yet, at a look."""


class EdgeErrors(EdgeFault):
    """Answer `spec.status` to a share of what `caller` asks of a callee.

    Proved by both ends' counters: the callers count errors at about the planned share, and those
    requests never arrived, so the errors were not the callee's own.
    """

    kind = "edge-errors"

    def __init__(self, caller: str, spec: EdgeFaultSpec, look: Look) -> None:
        super().__init__(caller, spec, look)
        whole = spec.share >= 1 and spec.to_replica is None
        self.state = "out" if whole else "overloaded"

    def judged(self, before: Passage, during: Passage) -> Proof:
        """Compare shares of errors, and what was sent with what arrived."""
        made, wrong = during.attempts(), during.attempts("error")
        arrived = sum(during.arrived.values())
        if made < ENOUGH:
            return Proof(
                proved=False,
                evidence=f"{self.edge}: {made:.0f} attempts; {ENOUGH} make a share",
            )
        usual = before.attempts("error") / max(before.attempts(), 1.0)
        # One of several replicas gets its part of the attempts only, and less once it fails.
        expected = self.spec.share if self.spec.to_replica is None else 1 / made
        never_arrived = (
            self.spec.to_replica is not None
            or arrived <= made - SEEN_SHARE * wrong + IN_FLIGHT * len(during.callers)
        )
        return Proof(
            proved=wrong / made - usual >= SEEN_SHARE * expected and never_arrived,
            evidence=(
                f"{self.edge}: {wrong:.0f} of the callers' {made:.0f} attempts were answered with "
                f"an error (before: {usual:.1%}) and {arrived:.0f} requests arrived"
            ),
        )

    def sound(self, since: Passage) -> bool:
        """Most attempts are answered well again."""
        return since.attempts("ok", "refused") > since.attempts("error")
