"""Student's t: how far the mean of a few seeds may lie from the truth."""

from __future__ import annotations

import math
import statistics
from functools import lru_cache

_MOST_EXACT = 200
"""Beyond so many degrees of freedom the expansion is right to ten digits."""


@lru_cache(maxsize=256)
def t_quantile(freedom: int, share: float) -> float:
    """The value below which a share (from .5 on) of Student's t lies.

    For few degrees of freedom by bisection of the distribution, whose closed form is a finite sum
    (Abramowitz and Stegun 26.7.3 and 26.7.4), for many by Fisher and Cornish's expansion (26.7.5).

    Raises:
        ValueError: no degree of freedom, or no such share.
    """
    if freedom < 1 or not 0.5 <= share < 1:
        raise ValueError(f"no quantile of {share} with {freedom} degrees of freedom")
    if freedom > _MOST_EXACT:
        return _expanded(freedom, statistics.NormalDist().inv_cdf(share))
    low, high = 0.0, 1.0
    while _below(high, freedom) < share:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if _below(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return high


def _below(t: float, freedom: int) -> float:
    """The share of the distribution below t, which is not negative."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2 == 1
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(3 if odd else 2, freedom - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    within = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return (1 + within) / 2


def _expanded(freedom: int, z: float) -> float:
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * freedom**4)
    )
