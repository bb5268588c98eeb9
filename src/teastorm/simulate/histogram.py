"""Latencies in bins, so that memory does not grow with what is counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LOWEST_S = 1e-4
_PER_DECADE = 400
_BINS = 7 * _PER_DECADE
"""0.1 ms to 1000 s; a bin is 0.58 % wide, so a quantile is off by 0.3 % at most."""


class Histogram:
    """Latencies on a logarithmic scale."""

    def __init__(self) -> None:
        self._counts: NDArray[np.int64] = np.zeros(_BINS + 2, dtype=np.int64)

    @property
    def count(self) -> int:
        """Latencies counted."""
        return int(self._counts.sum())

    def quantile(self, share: float) -> float | None:
        """The latency that `share` of all do not exceed (a bin's middle); None without any."""
        total = int(self._counts.sum())
        if not total:
            return None
        place = int(np.searchsorted(np.cumsum(self._counts), max(1.0, share * total)))
        exponent = (place - 0.5) / _PER_DECADE
        return float(_LOWEST_S * 10.0**exponent)

    def add(self, latencies_s: NDArray[np.float64]) -> None:
        """Count many, seconds."""
        values = np.maximum(latencies_s, _LOWEST_S)
        bins = (np.log10(values / _LOWEST_S) * _PER_DECADE).astype(np.int64) + 1
        self._counts += np.bincount(np.minimum(bins, _BINS + 1), minlength=_BINS + 2)
