"""What the two ways through a gateway have in common, and whom they tell what became of a wish."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

from teastorm.simulate.visit import Try, Visit

if TYPE_CHECKING:
    from teashop.resilience.front import Front
    from teastorm.simulate.loop import Loop


class Back(Protocol):
    """Whom a gateway tells what became of an attempt; times are the gateway's, hops not added."""

    def answered(self, now_s: float, visit: Visit, rung: str, spent_s: float) -> None:
        """A final 2xx on this rung; without a rung, a 4xx that no retry mends."""

    def refused(
        self, now_s: float, visit: Visit, status: int, reason: str, refused_for: str, after_s: float
    ) -> None:
        """429 or 503, with its Retry-After."""

    def ticketed(self, now_s: float, visit: Visit, token: str, eta_s: float) -> None:
        """202 with a ticket."""


class Path:
    """One way through one gateway.

    Args:
        call_s: what a call to the dependency costs on top of its work.

    Attributes:
        now_s: the time of the event under way, for what a room calls back in between.
    """

    __slots__ = ("back", "call_s", "front", "loop", "now_s", "rng")

    def __init__(
        self,
        front: Front[Try],
        loop: Loop,
        rng: random.Random,
        back: Back,
        *,
        call_s: float,
    ) -> None:
        self.front = front
        self.loop = loop
        self.rng = rng
        self.back = back
        self.call_s = call_s
        self.now_s = 0.0

    def close(self, attempt: Try) -> bool:
        """End an attempt; False when its client had given it up before."""
        was_open = attempt.open
        attempt.open = False
        return was_open

    def refuse(
        self,
        now_s: float,
        visit: Visit,
        reason: str,
        refused_for: str,
        retry_after_s: float | None = None,
        *,
        heard: bool = True,
    ) -> None:
        """Count a refusal and send it; `heard`: its client still listens."""
        after_s = self.front.refused(refused_for, now_s, self.rng, retry_after_s)
        if heard:
            status = 429 if reason == "quota" else 503
            self.back.refused(now_s, visit, status, reason, refused_for, float(after_s))
