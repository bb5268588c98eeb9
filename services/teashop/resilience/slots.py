"""The slots of a batch as pure arithmetic: how fast what runs goes on, and what happens next.

Every running sequence advances at the same speed, which depends only on how many run: a step
takes `itl_s · (1 + (slowdown - 1) · running / max_num_seqs)`. So one *virtual time* serves all,
the work that a sequence running alone would have had done: V(t) = ∫ speed dt. A sequence that
starts at V0 ends at V0 + ttft_s + tokens · itl_s, whatever joins or leaves on the way, and each
join or leave costs O(log n) instead of a step for each token of each sequence. The device is the
virtual time of generalised processor sharing (Parekh and Gallager, 1993).
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import Final

from teashop.resilience.sequence import BatchConfig, Outcome, Sequence

EPSILON_S: Final = 1e-6
"""An event this close counts as due: sums of floats must not make a timer spin."""


class Slots:
    """What runs, and when the next of it is done or late; `batch.Batch` says who runs.

    Time comes in as data and never goes back. A sequence that is taken out gets an outcome, by
    which the heaps pass over it; who takes it out lowers `running`, and says that what was known
    is known no more (`_known`, `not_before_s`). Not safe for use from several threads.

    Args:
        first_tokens: note when each sequence had its first token; off, a tenth of the work less.

    Attributes:
        running: how many run.
        not_before_s: nothing happens before it: `due_s` as it was last worked out, or sooner. Who
            joins slows the others down, so that it stays true, and costs no look ahead.
    """

    def __init__(self, config: BatchConfig, *, now_s: float, first_tokens: bool = True) -> None:
        self.config = config
        self._tells_first = first_tokens
        self._pace = (config.slowdown - 1) / config.max_num_seqs
        self.running = 0
        self._now = now_s
        self._virtual = 0.0
        self._slot_seconds = 0.0
        self._finishes: list[tuple[float, int, Sequence]] = []
        self._first_tokens: list[tuple[float, int, Sequence]] = []
        self._deadlines: list[tuple[float, int, Sequence]] = []
        # When the next sequence ends, and whether by being late; known until one of them joins or
        # leaves, or time goes on.
        self._known = False
        self._due_s = math.inf
        self._is_late = False
        self.not_before_s = math.inf

    @property
    def slot_seconds(self) -> float:
        """Sequence-seconds spent until the last call, those of running sequences included."""
        return self._slot_seconds

    @property
    def step_factor(self) -> float:
        """How many times longer a step takes now than for a sequence alone."""
        return 1 + self._pace * self.running

    @property
    def due_s(self) -> float:
        """When something happens next if nobody joins or leaves; infinite when nothing is here."""
        if not self._known:
            self._look_ahead()
        return self._due_s

    def next_event_s(self) -> float | None:
        """`due_s`, or None when nothing is here."""
        at_s = self.due_s
        return None if at_s == math.inf else at_s

    def tokens_out(self, sequence: Sequence) -> int:
        """How many tokens it had produced at the last call."""
        if sequence.outcome in {Outcome.FINISHED, Outcome.ORPHANED}:
            return sequence.tokens
        if not sequence.running:
            return 0
        done = self._virtual - sequence.origin - self.config.ttft_s + EPSILON_S
        return min(sequence.tokens, max(0, math.floor(done / self.config.itl_s)))

    def token_due_s(self, sequence: Sequence, count: int) -> float | None:
        """When a running sequence will have produced `count` tokens at the present speed."""
        if not sequence.running:
            return None
        due = sequence.origin + self.config.ttft_s + count * self.config.itl_s
        return self._now + max(0.0, due - self._virtual) * self.step_factor

    def _begin(self, sequence: Sequence) -> None:
        if self.running == 0:  # keeps the sums of floats short
            self._virtual = 0.0
            self._finishes.clear()
            self._first_tokens.clear()
        self.running += 1
        self._known = False
        sequence.started_s = self._now
        sequence.origin = self._virtual
        end = self._virtual + sequence.work_s
        heappush(self._finishes, (end, sequence.number, sequence))
        end_s = self._now + sequence.work_s * (1 + self._pace * self.running)
        if end_s < self.not_before_s:
            self.not_before_s = end_s
        if self._tells_first:
            first = self._virtual + self.config.ttft_s + self.config.itl_s
            heappush(self._first_tokens, (first, sequence.number, sequence))

    def _mind(self, deadline_s: float, sequence: Sequence) -> None:
        """Look at this sequence when its deadline comes."""
        heappush(self._deadlines, (deadline_s, sequence.number, sequence))
        if deadline_s < self.not_before_s:
            self.not_before_s = deadline_s

    def _integrate(self, to_s: float) -> None:
        span_s = to_s - self._now
        if span_s <= 0:
            return
        factor = 1 + self._pace * self.running
        reached = self._virtual + span_s / factor
        while self._first_tokens and self._first_tokens[0][0] <= reached + EPSILON_S:
            due, _, sequence = heappop(self._first_tokens)
            if sequence.outcome is None:
                sequence.first_token_s = self._now + (due - self._virtual) * factor
        self._known = False
        self._virtual = reached
        self._slot_seconds += span_s * self.running
        self._now = to_s

    def _look_ahead(self) -> None:
        """Work out when the next sequence is done, or late if that comes first."""
        self._known = True
        now_s = self._now
        finishes = self._finishes
        finish_s = math.inf
        while finishes:
            head = finishes[0]
            if head[2].outcome is None:
                left = head[0] - self._virtual
                finish_s = now_s + left * (1 + self._pace * self.running) if left > 0.0 else now_s
                break
            heappop(finishes)
        self._due_s = self.not_before_s = finish_s
        self._is_late = False
        deadlines = self._deadlines
        # Most have ended before their deadline; what is not next anyway need not be looked at.
        while deadlines and deadlines[0][0] < finish_s:
            if deadlines[0][2].outcome is None:
                late_s = deadlines[0][0]
                self._due_s = self.not_before_s = late_s if late_s > now_s else now_s
                self._is_late = True
                return
            heappop(deadlines)
