"""What is counted while a simulation runs; its memory does not grow with the arrivals.

The hot path only puts numbers into buffers (an append in C); `settle` judges and counts whole
buffers at once with numpy, every few thousand arrivals.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from teashop.resilience.criticality import Criticality
from teastorm.simulate.histogram import Histogram
from teastorm.simulate.visit import CHAT, FULL, MENU_RUNG, NAMES, NO_RUNG, RULES, SHORT, UNANSWERED

type Add = Callable[[float], None]
"""Puts a number into a buffer."""

_RUNGS = (FULL, SHORT, RULES, MENU_RUNG, NO_RUNG, UNANSWERED)


class Buffer:
    """Numbers of the last moments, `width` to a row; `add` is called for each number of a row."""

    def __init__(self, width: int = 1) -> None:
        self._numbers = array("d")
        self._width = width
        self.add: Add = self._numbers.append

    def add_all(self, numbers: NDArray[np.float64]) -> None:
        """Add many."""
        self._numbers.frombytes(numbers.tobytes())

    def __len__(self) -> int:
        return len(self._numbers)

    def taken(self) -> NDArray[np.float64]:
        """The columns of what was added since the last call, (width, rows)."""
        rows = np.array(self._numbers).reshape(-1, self._width)
        del self._numbers[:]
        return np.ascontiguousarray(rows.T)


class ClassTally:
    """The wishes of one class whose intended time lies in the window.

    Attributes:
        came, again: told the intended time of each wish, and of each attempt after its first.
        answered: by rung, told of each final answer the intended time, the latency and, of a chat,
            the sequence-seconds it took.
    """

    def __init__(self, klass: int) -> None:
        self.offered = 0
        self.attempts = 0
        self.good = 0
        self.goodput = 0.0
        self.late = 0
        self.degraded = 0
        self.refused = 0
        self.failed = 0
        self.rungs: dict[str, int] = defaultdict(int)
        self.latency = Histogram()
        self.arrivals = Buffer()
        self.retries = Buffer()
        self.answers = {rung: Buffer(3 if klass == CHAT else 2) for rung in _RUNGS}
        self.came: Add = self.arrivals.add
        self.again: Add = self.retries.add
        self.answered: dict[str, Add] = {rung: b.add for rung, b in self.answers.items()}

    @property
    def settled(self) -> int:
        """Wishes with an outcome."""
        return self.good + self.degraded + self.refused + self.failed

    def judge(
        self, rung: str, worth: float, good: NDArray[np.bool_], s: NDArray[np.float64]
    ) -> None:
        """Count answers of one rung in the window: which were good, and their latencies `s`."""
        count, kept = len(good), int(good.sum())
        self.rungs[rung] += count
        if worth > 0.0:
            self.good += kept
            self.goodput += kept * worth
            self.late += count - kept
            self.failed += count - kept
            self.latency.add(s[good])
        elif rung:
            self.degraded += count
        else:
            self.failed += count


class Tally:
    """Everything counted in one run.

    Args:
        seconds: the load's length.
        window_s: bounds the totals by intended time.
        worths: what a good answer on a rung is worth; 0 where it is not named.
        deadlines_s: by class.

    Attributes:
        offered, good, missed, refused: by second, chats only; see `result.Series`.
        gave_up: told the intended time of each chat that ended without an answer.
        sent_away: told when each chat was refused.
        arrivals: wishes so far; in_time_s: sequence-seconds of good answers.
    """

    def __init__(
        self,
        seconds: float,
        window_s: tuple[float, float],
        *,
        worths: Mapping[str, float],
        deadlines_s: Sequence[float],
    ) -> None:
        self.window_s = window_s
        self.classes = [ClassTally(klass) for klass in range(len(NAMES))]
        self.refusals: list[dict[tuple[str, str], int]] = [defaultdict(int) for _ in Criticality]
        """Attempts refused, by criticality, then by reason and what was scarce."""
        self._seconds = int(seconds) + 2
        self._worths = worths
        self._deadlines_s = deadlines_s
        self.offered = self._nothing()
        self.good = self._nothing().astype(np.float64)
        self.refused = self._nothing()
        self.missed = self._nothing()
        self._given_up = Buffer()
        self._refusals = Buffer()
        self.gave_up: Add = self._given_up.add
        self.sent_away: Add = self._refusals.add
        self.arrivals = 0
        self.in_time_s = 0.0

    def came(self, klass: int, times_s: NDArray[np.float64]) -> None:
        """Wishes of one class, by their intended times."""
        self.classes[klass].arrivals.add_all(times_s)

    def settle(self) -> None:
        """Judge and count what lies in the buffers."""
        for klass, counted in enumerate(self.classes):
            (came_s,) = counted.arrivals.taken()
            (again_s,) = counted.retries.taken()
            offered = int(self._within(came_s).sum())
            counted.offered += offered
            counted.attempts += offered + int(self._within(again_s).sum())
            self.arrivals += len(came_s)
            if klass == CHAT:
                self.offered += self._by_second(came_s)
            for rung, buffer in counted.answers.items():
                if len(buffer):
                    self._judge(klass, rung, buffer.taken())
        self.missed += self._by_second(self._given_up.taken()[0])
        self.refused += self._by_second(self._refusals.taken()[0])

    def _judge(self, klass: int, rung: str, columns: NDArray[np.float64]) -> None:
        intended_s, latency_s = columns[0], columns[1]
        worth = self._worths.get(rung, 0.0)
        good = (latency_s <= self._deadlines_s[klass]) & (worth > 0.0)
        if klass == CHAT:
            # Chats arrive by the load's end, so their second is in the table.
            self.good += worth * self._by_second(intended_s[good])
            self.missed += self._by_second(intended_s[~good])
            self.in_time_s += sum(columns[2][good].tolist())
        within = self._within(intended_s)
        self.classes[klass].judge(rung, worth, good[within], latency_s[within])

    def _within(self, intended_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        start_s, end_s = self.window_s
        return (intended_s >= start_s) & (intended_s < end_s)

    def _by_second(self, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
        # Refusals after the load's end count into the last second.
        seconds = np.minimum(times_s.astype(np.int64), self._seconds - 1)
        return np.bincount(seconds, minlength=self._seconds)

    def _nothing(self) -> NDArray[np.int64]:
        return np.zeros(self._seconds, dtype=np.int64)
