"""How close one replica curve is to another, and whether any constant would have been as close."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teastorm.tune.errors import TuneInvalid

WITHIN = 0.95
"""The goal: the share of the time within one replica."""

type Curve = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Closeness:
    """A predicted curve beside a measured one.

    Attributes:
        within_one: share of the moments at which they are at most one replica apart.
        mean_error: mean distance, in replicas.
        constant_within_one: the same of the constant that is within one the most often.
        constant_mean_error: of the constant with the smallest mean distance.
    """

    within_one: float
    mean_error: float
    constant_within_one: float
    constant_mean_error: float

    @property
    def met(self) -> bool:
        """Whether the goal is met: close enough, and closer than any constant in both ways."""
        return (
            self.within_one >= WITHIN
            and self.within_one > self.constant_within_one
            and self.mean_error < self.constant_mean_error
        )

    def as_json(self) -> dict[str, object]:
        """Plain."""
        return dataclasses.asdict(self) | {"met": self.met}


def stepped(points: list[tuple[float, float]], at_s: Curve) -> Curve:
    """A curve of `(time_s, value)` points, each holding until the next, at some times.

    Raises:
        TuneInvalid: there are no points.
    """
    if not points:
        raise TuneInvalid("a replica curve without points")
    times = np.array([time_s for time_s, _ in points])
    values = np.array([value for _, value in points], dtype=np.float64)
    return values[np.maximum(np.searchsorted(times, at_s, side="right") - 1, 0)]


def closeness(predicted: list[Curve], measured: Curve) -> Closeness:
    """Each predicted curve (one a seed) against the measured one; means over the seeds.

    Raises:
        TuneInvalid: a curve is empty, or they differ in length.
    """
    if not predicted or not len(measured) or any(len(c) != len(measured) for c in predicted):
        raise TuneInvalid("curves of one length are compared, at least one predicted")
    apart = np.abs(np.array(predicted) - measured)
    constants = np.unique(measured)
    # Between two whole numbers a constant may be within one of three of them.
    tried = np.concatenate((constants, constants + 0.5))
    distances = np.abs(tried[:, None] - measured)
    return Closeness(
        within_one=float(np.mean(apart <= 1.0)),
        mean_error=float(apart.mean()),
        constant_within_one=float(np.mean(distances <= 1.0, axis=1).max()),
        constant_mean_error=float(distances.mean(axis=1).min()),
    )
