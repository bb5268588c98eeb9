"""Requests from one service to another leave late."""

from teastorm.chaos.faults.base import Proof
from teastorm.chaos.faults.edge import EdgeFault
from teastorm.chaos.passages import Passage

SEEN_SHARE = 0.8
"""Of the planned delay; the rest is noise of what the callee itself takes."""

ENOUGH = 10
GIVEN_UP = ("deadline", "abandoned")


class EdgeLatency(EdgeFault):
    """Delay what `caller` asks of a callee.

    Proved by the callers' own counts: the attempts that were answered took longer in the mean by
    most of the planned delay, or most attempts were given up, where callers wait less than that.
    """

    kind = "edge-latency"
    state = "overloaded"

    @property
    def expected_s(self) -> float:
        """Mean delay of all requests, hit or not."""
        return (self.spec.latency_s + self.spec.jitter_s / 2) * self.spec.share

    def judged(self, before: Passage, during: Passage) -> Proof:
        """Compare means of what was answered, and shares of what was given up."""
        usual_s, slow_s = before.mean_s or 0.0, during.mean_s or 0.0
        enough = min(before.timed, during.timed) >= ENOUGH
        late = enough and slow_s - usual_s >= SEEN_SHARE * self.expected_s
        gone, gone_before = _given_up(during), _given_up(before)
        given_up = gone - gone_before >= SEEN_SHARE * self.spec.share
        return Proof(
            proved=late or (given_up and during.attempts() >= ENOUGH),
            evidence=(
                f"{self.edge}: the callers' {during.timed:.0f} answers took {slow_s:.3f} s in the "
                f"mean and {gone:.0%} of {during.attempts():.0f} attempts were given up; before it "
                f"{usual_s:.3f} s and {gone_before:.0%}; injected were {self.expected_s:.3f} s"
            ),
        )

    def sound(self, since: Passage) -> bool:
        """The mean is nearer to the usual one than to the injected one."""
        usual_s = 0.0 if self._before is None else self._before.mean_s or 0.0
        return since.mean_s is not None and since.mean_s < usual_s + self.expected_s / 2


def _given_up(passage: Passage) -> float:
    """The share of the attempts that the callers gave up."""
    made = passage.attempts()
    return passage.attempts(*GIVEN_UP) / made if made else 0.0
