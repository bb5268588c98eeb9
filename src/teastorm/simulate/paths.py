"""What the two ways through a gateway have in common."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from teastorm.simulate.visit import Try, Visit

if TYPE_CHECKING:
    from teashop.resilience.front import Front
    from teastorm.simulate.crowd import Crowd
    from teastorm.simulate.loop import Loop


class Path:
    """One way through one gateway.

    Args:
        back: who is told what became of an attempt; times are the gateway's, hops not added.
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
        back: Crowd,
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
        heard: bool = True,
    ) -> None:
        """Count a refusal and send it; `heard`: its client still listens."""
        after_s = self.front.refused(refused_for, now_s, self.rng, retry_after_s)
        if heard:
            self.back.refused(now_s, visit, reason, refused_for, float(after_s))
