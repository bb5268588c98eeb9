"""Continuous batching without a clock: time comes in as data, nothing waits here.

The arithmetic of what runs is `slots.Slots`; here is who gets a slot, who waits for one, and who is
told that it will be too late. The behaviour is that of vLLM's scheduler without preemption.

`advance` handles events at their own moments, so a caller that comes late loses no capacity.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from heapq import heappop
from typing import Final

from teashop.resilience.sequence import BatchConfig, Outcome, QueueFull, Sequence
from teashop.resilience.slots import EPSILON_S, Slots

_FINISHED: Final = Outcome.FINISHED
_EXPIRED: Final = Outcome.EXPIRED


class Batch(Slots):
    """A running batch and its waiting queue. Not safe for use from several threads.

    `submit`, `abort` and `advance` take a time that never goes back; ended sequences are handed
    out once, by `take_ended`.

    Args:
        first_tokens: see `Slots`.

    Attributes:
        ended: what `take_ended` will hand out.
    """

    def __init__(self, config: BatchConfig, *, now_s: float, first_tokens: bool = True) -> None:
        super().__init__(config, now_s=now_s, first_tokens=first_tokens)
        self._slowest = config.slowdown
        self._places = config.max_num_seqs
        self._most_waiting = config.max_waiting
        self._drops_late = config.deadlines
        self._ranks = config.priorities
        self._ttft_s = config.ttft_s
        self._itl_s = config.itl_s
        self._number = 0
        self._waiting: list[tuple[int, int, Sequence]] = []
        self._waiting_work = 0.0
        self.ended: list[Sequence] = []

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def submit(
        self, now_s: float, tokens: int, rank: int = 0, deadline_s: float | None = None
    ) -> Sequence:
        """Add a sequence: it runs at once if a slot is free, else waits.

        Args:
            rank: lower is more important.
            deadline_s: the moment after which nobody wants the answer.

        Raises:
            QueueFull: nothing was added.
        """
        self.advance(now_s)
        if not self._ranks:
            rank = 0
        self._number += 1
        sequence = Sequence(
            self._number,
            tokens,
            rank,
            math.inf if deadline_s is None else deadline_s,
            self._ttft_s + tokens * self._itl_s,
            self._now,
        )
        if self._would_be_late(sequence):
            self._record(sequence, self._now, _EXPIRED)
            return sequence
        full = self.running >= self._places
        if not full and not self._waiting:
            # Who would be in time beside a full batch is in time whatever joins.
            at_worst_s = self._now + sequence.work_s * self._slowest + EPSILON_S
            if deadline_s is not None and self._drops_late and at_worst_s >= deadline_s:
                self._mind(deadline_s, sequence)
            self._begin(sequence)
            return sequence
        if full and len(self._waiting) >= self._most_waiting:
            if not self._waiting or self._waiting[-1][0] <= rank:
                raise QueueFull(self.drain_s())
            self._end(self._waiting[-1][2], self._now, Outcome.EVICTED)
        insort(self._waiting, (rank, sequence.number, sequence))
        self._waiting_work += sequence.work_s
        if deadline_s is not None and self._drops_late:
            self._known = False
            self._mind(deadline_s, sequence)
        self._fill()
        return sequence

    def abort(self, sequence: Sequence, now_s: float) -> None:
        """Drop a sequence whose client has gone: its slot is free at once."""
        self.advance(now_s)
        if sequence.outcome is None:
            self._end(sequence, self._now, Outcome.ABANDONED)
            self._fill()

    def advance(self, now_s: float) -> None:
        """Let everything happen that happens until `now_s`, each thing at its own moment."""
        limit_s = now_s + EPSILON_S
        while limit_s >= self.not_before_s:
            if not self._known:
                self._look_ahead()
            at_s = self._due_s
            if at_s > limit_s:
                break
            if at_s > self._now:
                self._integrate(at_s)
            self._known = False
            if not self._is_late:
                finish, _, sequence = heappop(self._finishes)
                if finish > self._virtual:
                    self._virtual = finish
                done = Outcome.ORPHANED if sequence.orphaned else _FINISHED
                self._end(sequence, self._now, done)
            else:
                self._end(heappop(self._deadlines)[2], self._now, _EXPIRED)
            if self._waiting:
                self._fill()
        if now_s > self._now:
            self._integrate(now_s)

    def take_ended(self) -> list[Sequence]:
        """The sequences that ended since the last call, in order."""
        ended, self.ended = self.ended, []
        return ended

    def drain_s(self) -> float:
        """How long a full batch needs for all that runs and waits now, in seconds."""
        left = sum(end - self._virtual for end, _, seq in self._finishes if seq.outcome is None)
        work = left + self._waiting_work
        return work * self.config.slowdown / self.config.max_num_seqs

    def _fill(self) -> None:
        while self._waiting and self.running < self._places:
            sequence = self._waiting[0][2]
            if self._would_be_late(sequence):
                self._end(sequence, self._now, _EXPIRED)
            else:
                self._start(sequence)

    def _would_be_late(self, sequence: Sequence) -> bool:
        """Whether it would miss its deadline if it started now, at the speed it would find.

        Waiting for the deadline itself is not enough: a first come, first served queue under
        overload hands out slots to sequences with just too little time left, and half of all
        slot time goes to answers that are cut off (measured at 3x: 15 served of 32 a second).
        """
        if not self._drops_late:
            return False
        running = self.running
        joined = running + 1 if running < self._places else running
        needed_s = sequence.work_s * (1 + self._pace * joined)
        return self._now + needed_s > sequence.deadline_s + EPSILON_S

    def _start(self, sequence: Sequence) -> None:
        self._leave_queue(sequence)
        self._begin(sequence)

    def _end(self, sequence: Sequence, at_s: float, outcome: Outcome) -> None:
        if sequence.started_s is None:
            self._leave_queue(sequence)
        else:
            self.running -= 1
        self._known = False
        self.not_before_s = self._now
        sequence.outcome = outcome
        sequence.ended_s = at_s
        self.ended.append(sequence)

    def _record(self, sequence: Sequence, at_s: float, outcome: Outcome) -> None:
        sequence.outcome = outcome
        sequence.ended_s = at_s
        self.ended.append(sequence)

    def _leave_queue(self, sequence: Sequence) -> None:
        index = bisect_left(self._waiting, (sequence.rank, sequence.number))
        del self._waiting[index]
        self._waiting_work = self._waiting_work - sequence.work_s if self._waiting else 0.0
