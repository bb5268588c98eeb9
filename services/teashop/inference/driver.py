"""Runs a `Batch` on a clock: one timer for all sequences, futures for those who wait for them.

The timer is set for the batch's next event only. A join can bring an event forward, so an earlier
event replaces the timer; a later one lets it fire and look again.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable

from teashop.inference.burn import Burner
from teashop.resilience.batch import Batch
from teashop.resilience.sequence import Sequence
from teashop.serving.clock import Clock


class Driver:
    """A batch that lives. Belongs to one event loop.

    Args:
        on_end: called once for each sequence that ended, with its outcome set.
    """

    def __init__(
        self, batch: Batch, *, clock: Clock, burner: Burner, on_end: Callable[[Sequence], None]
    ) -> None:
        self.batch = batch
        self._clock = clock
        self._burner = burner
        self._on_end = on_end
        self._futures: dict[int, asyncio.Future[None]] = {}
        self._timer: asyncio.Task[None] | None = None
        self._timer_due_s = math.inf
        self._changed = asyncio.Event()
        self._burning: asyncio.Task[None] | None = None
        self._work = asyncio.Event()

    async def start(self) -> None:
        """Begin to burn CPU for what runs."""
        self._burning = asyncio.create_task(self._burn())

    async def stop(self) -> None:
        """End the timers; whoever still waits is cancelled."""
        for task in (self._timer, self._burning):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        for future in self._futures.values():
            future.cancel()

    def submit(self, *, tokens: int, rank: int, deadline_s: float | None) -> Sequence:
        """Add a sequence to the batch; `QueueFull` as the batch raises it."""
        try:
            sequence = self.batch.submit(
                now_s=self._clock.now(), tokens=tokens, rank=rank, deadline_s=deadline_s
            )
            self._futures[sequence.number] = asyncio.get_running_loop().create_future()
        finally:  # time went on, whether or not this one was let in
            self._settle()
        self._work.set()
        return sequence

    def ended(self, sequence: Sequence) -> asyncio.Future[None]:
        """Done when the sequence has an outcome; cancelled when the driver stops."""
        future = self._futures.get(sequence.number)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            future.set_result(None)
        return future

    async def tokens(self, sequence: Sequence, count: int) -> int:
        """Wait until `count` tokens are out or the sequence has ended; how many are out."""
        while sequence.outcome is None:
            self.batch.advance(self._clock.now())
            self._settle()
            due_s = self.batch.token_due_s(sequence, count)
            if sequence.outcome is not None or self.batch.tokens_out(sequence) >= count:
                break
            if due_s is None:
                await self._changed.wait()
            else:
                await self._clock.sleep(due_s - self._clock.now())
        return self.batch.tokens_out(sequence)

    def leave(self, sequence: Sequence) -> None:
        """The client has gone: abort the sequence, or let it go on wasted (deadlines off)."""
        if self.batch.config.deadlines:
            self.batch.abort(sequence, self._clock.now())
            self._settle()
        else:
            sequence.orphaned = True

    def _settle(self) -> None:
        """Tell who waits what happened, and set the timer for what happens next."""
        for sequence in self.batch.take_ended():
            self._on_end(sequence)
            future = self._futures.pop(sequence.number, None)
            if future is not None and not future.done():
                future.set_result(None)
        self._changed.set()
        self._changed = asyncio.Event()
        due_s = self.batch.next_event_s()
        if due_s is not None and (self._timer is None or due_s < self._timer_due_s):
            if self._timer is not None:
                self._timer.cancel()
            self._timer_due_s = due_s
            self._timer = asyncio.create_task(self._fire(due_s))

    async def _fire(self, due_s: float) -> None:
        await self._clock.sleep(due_s - self._clock.now())
        self._timer = None
        self._timer_due_s = math.inf
        self.batch.advance(self._clock.now())
        self._settle()

    async def _burn(self) -> None:
        while True:
            if self.batch.running == 0:
                self._work.clear()
                await self._work.wait()
            await self._clock.sleep(self._burner.nap_s(self.batch.running))
            self.batch.advance(self._clock.now())
            self._settle()
            self._burner.charge(self.batch.slot_seconds)
            self._burner.pay_slice()
