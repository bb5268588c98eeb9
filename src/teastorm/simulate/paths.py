"""What the two ways through a gateway have in common."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from teastorm.simulate.timeouts import Timeouts, has_no_permit
from teastorm.simulate.visit import Try, Visit

if TYPE_CHECKING:
    from teashop.resilience.front import Front
    from teashop.resilience.room import Room
    from teastorm.simulate.crowd import Crowd
    from teastorm.simulate.loop import Loop


class Path:
    """One way through one gateway.

    Args:
        back: who is told what became of an attempt; times are the gateway's, hops not added.
        room: the dependency's places; wait_s: how long one may stand in line for them.
        call_s: what a call to the dependency costs on top of its work.

    Attributes:
        now_s: the time of the event under way, for what a room calls back in between.
    """

    __slots__ = ("_comebacks", "back", "call_s", "front", "loop", "now_s", "patience", "rng",
                 "room")  # fmt: skip

    def __init__(
        self,
        front: Front[Try],
        loop: Loop,
        rng: random.Random,
        back: Crowd,
        *,
        room: Room[Try],
        wait_s: float,
        call_s: float,
    ) -> None:
        self.front = front
        self._comebacks = front.comebacks
        self.loop = loop
        self.rng = rng
        self.back = back
        self.call_s = call_s
        self.now_s = 0.0
        self.room = room
        self.patience = Timeouts(loop, wait_s, self.waited_enough, alive=has_no_permit)

    def waited_enough(self, now_s: float, attempt: Try) -> None:
        """The line's patience is over; who was turned away before is not in it any more."""
        if self.room.give_up(attempt):
            self.turned_away(now_s, attempt, "codel")

    def turned_away(self, now_s: float, attempt: Try, reason: str) -> None:
        """Stood in line and got no permit."""
        raise NotImplementedError

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
        if not heard:
            self._comebacks.count(refused_for, now_s)
        elif visit.honours:
            after_s = self._comebacks.after_s(refused_for, now_s, self.rng, retry_after_s)
            self.back.refused(now_s, visit, reason, refused_for, float(after_s))
        else:  # the impatient do not read it, so it is not worked out
            self._comebacks.count(refused_for, now_s)
            self.back.refused(now_s, visit, reason, refused_for, 0.0)
