"""One inference replica: the shop's own `Batch` on the simulator's clock."""

from __future__ import annotations

import math
from collections.abc import Callable

from teashop.resilience.batch import Batch
from teashop.resilience.sequence import BatchConfig, Sequence
from teastorm.simulate.loop import Loop


class Replica[C]:
    """A batch, one timer for its next event, and the calls its sequences belong to.

    Args:
        ended: called as (now_s, call, sequence) for each sequence that ended.

    Attributes:
        name: as balancers and breakers know it.
        alive: False once it was killed or has drained away.
        born_s: when it was asked for.
    """

    __slots__ = ("_calls", "_due_s", "_ended", "_fires", "_loop", "alive", "batch", "born_s", "draining",
                 "name", "ready_s")  # fmt: skip

    def __init__(
        self,
        name: str,
        config: BatchConfig,
        loop: Loop,
        ended: Callable[[float, C, Sequence], None],
        *,
        now_s: float = 0.0,
    ) -> None:
        self.name = name
        self.batch = Batch(config, now_s=now_s, first_tokens=False)
        self.alive = True
        self.draining = False
        self.born_s = now_s
        self.ready_s = math.inf
        self._loop = loop
        self._ended = ended
        self._calls: dict[int, C] = {}
        self._due_s = math.inf
        self._fires = self._fire  # bound once: it goes into the heap with every timer

    @property
    def inside(self) -> int:
        """Sequences that run or wait."""
        return self.batch.running + self.batch.waiting

    def submit(
        self, now_s: float, call: C, tokens: int, rank: int, deadline_s: float | None
    ) -> Sequence:
        """Add a sequence for `call`; `QueueFull` as the batch raises it.

        `ended` may be called for others, and for this one, before it returns.
        """
        try:
            sequence = self.batch.submit(now_s, tokens, rank, deadline_s)
            self._calls[sequence.number] = call
        finally:  # time went on, whether or not this one was let in
            self._settle(now_s)
        return sequence

    def leave(self, now_s: float, sequence: Sequence) -> None:
        """The caller has gone: abort, or let it go on wasted while deadlines are off."""
        if self.batch.config.deadlines:
            self.batch.abort(sequence, now_s)
            self._settle(now_s)
        else:
            sequence.orphaned = True

    def kill(self) -> list[C]:
        """Lose everything inside at once; the calls that were."""
        self.alive = False
        lost = list(self._calls.values())
        self._calls.clear()
        return lost

    def _settle(self, now_s: float) -> None:
        batch = self.batch
        if batch.ended:
            ended, batch.ended = batch.ended, []  # as take_ended: an end may begin others
            for sequence in ended:
                call = self._calls.pop(sequence.number, None)
                if call is not None:
                    self._ended(now_s, call, sequence)
        if batch.not_before_s < self._due_s:  # else the timer that runs is early enough
            due_s = batch.due_s
            if due_s < self._due_s:
                self._due_s = due_s
                self._loop.at(due_s, self._fires)

    def _fire(self, now_s: float, _: object) -> None:
        # An earlier event may have taken this one's place, and a kill ends them all.
        if now_s < self._due_s or not self.alive:
            return
        self._due_s = math.inf
        self.batch.advance(now_s)
        self._settle(now_s)
