"""Who came when no more came at once than before: only they can be compared with the time before.

Arrivals are open, so they bunch by chance, and a bunch takes longer in a shop that is as healthy
as can be. Ten seconds of baseline have not seen the bunches of the half minute after a fault.
"""

from __future__ import annotations

import numpy as np

from teastorm.verdict.columns import Flags, Floats


def at_once(times_s: Floats, span_s: float) -> Floats:
    """How many came within the `span_s` up to each time, itself included; `times_s` ascends."""
    first = np.searchsorted(times_s, times_s - span_s, side="right")
    last = np.searchsorted(times_s, times_s, side="right")
    return np.asarray(last - first, dtype=np.float64)


def comparable(after_s: Floats, before_s: Floats, span_s: float, share: float = 1.0) -> Flags:
    """Which of the arrivals `after_s` found no more company than a `share` of `before_s` found.

    Both in any order; `span_s` is how long one stays. A share of 1: no more than the most of them.
    Arrivals are what was meant to be sent, so that nothing the shop does can excuse it. Without a
    `before_s` none is comparable.
    """
    order = np.argsort(after_s)
    company = at_once(np.sort(before_s), span_s)
    most = float(np.quantile(company, share, method="inverted_cdf")) if len(company) else 0.0
    found = np.zeros(len(after_s), dtype=np.bool_)
    found[order] = at_once(after_s[order], span_s) <= most
    return found


def is_calm(grid_s: Floats, bunched_s: Floats, span_s: float) -> Flags:
    """Whether none of `bunched_s` (ascending) came within the `span_s` up to each time of a grid."""
    first = np.searchsorted(bunched_s, grid_s - span_s, side="right")
    return np.asarray(first == np.searchsorted(bunched_s, grid_s, side="right"), dtype=np.bool_)
