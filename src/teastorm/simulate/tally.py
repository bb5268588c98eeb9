"""What is counted while a simulation runs; its memory does not grow with the arrivals."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from teashop.resilience.criticality import Criticality
from teastorm.simulate.visit import NAMES

_LOWEST_S = 1e-4
_PER_DECADE = 400
_BINS = 7 * _PER_DECADE
"""0.1 ms to 1000 s; a bin is 0.58 % wide, so a quantile is off by 0.3 % at most."""


class Histogram:
    """Latencies on a logarithmic scale: numpy counts whole buffers at once."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(_BINS + 2, dtype=np.int64)
        self._buffer = array("d")
        self.add: Callable[[float], None] = self._buffer.append
        """Count one latency; straight into the buffer, since this is done for every answer."""

    @property
    def count(self) -> int:
        """Latencies counted."""
        self.settle()
        return int(self._counts.sum())

    def quantile(self, share: float) -> float | None:
        """The latency that `share` of all do not exceed (a bin's middle); None without any."""
        self.settle()
        total = int(self._counts.sum())
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self._counts), max(1.0, share * total)))
        exponent = (place - 0.5) / _PER_DECADE
        return float(_LOWEST_S * 10.0**exponent)

    def settle(self) -> None:
        """Empty the buffer into the bins; often enough, and memory stays what it is."""
        if self._buffer:
            values = np.maximum(np.array(self._buffer), _LOWEST_S)
            bins = (np.log10(values / _LOWEST_S) * _PER_DECADE).astype(np.int64) + 1
            self._counts += np.bincount(np.minimum(bins, _BINS + 1), minlength=_BINS + 2)
            del self._buffer[:]


class ClassTally:
    """The wishes of one class whose intended time lies in the window."""

    def __init__(self) -> None:
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

    @property
    def settled(self) -> int:
        """Wishes with an outcome."""
        return self.good + self.degraded + self.refused + self.failed


class Tally:
    """Everything counted in one run. `window_s` bounds the totals by intended time."""

    def __init__(self, seconds: float, window_s: tuple[float, float]) -> None:
        self.window_s = window_s
        self.start_s, self.end_s = window_s
        self.classes = [ClassTally() for _ in NAMES]
        self.refusals: list[dict[tuple[str, str], int]] = [defaultdict(int) for _ in Criticality]
        """Attempts refused, by criticality, then by reason and what was scarce."""
        length = int(seconds) + 2
        self.offered = [0] * length
        self.good = [0.0] * length
        self.refused = [0] * length
        self.missed = [0] * length
        self.arrivals = 0
        self.ended = 0
        self.spent_s = 0.0
        self.in_time_s = 0.0

    def settle(self) -> None:
        """Empty what is kept for a moment only."""
        for counted in self.classes:
            counted.latency.settle()
