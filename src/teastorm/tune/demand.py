"""The demand that a session tunes for: a curve's file, a rate's file, a recorded run, Prometheus."""

from __future__ import annotations

import csv
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teastorm.load.curve import COLUMNS, read_curve
from teastorm.load.errors import LoadError
from teastorm.simulate.demand import Demand
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.tune.errors import TuneInvalid
from teastorm.whole_file import why

RATE_COLUMNS = ("time_s", "rps")
LONGEST_S = 7 * 24 * 3600.0


def read_file(path: Path, *, peak_rps: float) -> Demand:
    """A curve (`minute,relative_rate`, its peak at `peak_rps`) or rates (`time_s,rps`).

    Raises:
        TuneInvalid: the file, the row and the fix in one sentence.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = [row for row in csv.reader(lines) if row]
    except FileNotFoundError:
        raise TuneInvalid(f"{path}: no such file; name a demand that exists") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TuneInvalid(
            f"{path}: cannot be read as CSV ({why(error)}); save it as UTF-8"
        ) from error
    if not rows:
        raise TuneInvalid(f"{path}: is empty; it needs a header and at least two rows")
    header = tuple(cell.strip() for cell in rows[0])
    try:
        if header == COLUMNS:
            return Demand.of_curve(read_curve(path), peak_rps=peak_rps)
        if header == RATE_COLUMNS:
            return of_points(str(path), [_point(path, n, row) for n, row in enumerate(rows[1:], 2)])
    except (LoadError, ScenarioInvalid) as error:
        raise TuneInvalid(str(error).rstrip(".")) from error
    raise TuneInvalid(
        f"{path}: row 1 must be the header {','.join(COLUMNS)} or {','.join(RATE_COLUMNS)}"
    )


def of_points(name: str, points: list[tuple[float, float]]) -> Demand:
    """A demand from `(time_s, rps)`; each rate holds until the next point's time."""
    if len(points) < 2:
        raise TuneInvalid(f"{name}: it needs at least two points, got {len(points)}")
    for number, ((a, _), (b, _)) in enumerate(pairwise(points), start=1):
        if not b > a:
            raise TuneInvalid(
                f"{name}: point {number + 1}: times must rise, got {b:g} s after {a:g} s; sort them"
            )
    for number, (_, rps) in enumerate(points, start=1):
        if not 0 <= rps < math.inf:
            raise TuneInvalid(f"{name}: point {number}: the rate must be 0 or above, got {rps:g}")
    if points[-1][0] - points[0][0] > LONGEST_S:
        raise TuneInvalid(f"{name}: it spans more than a week; choose the part to tune for")
    try:
        return Demand.of_rates(name, points)
    except ScenarioInvalid as error:
        raise TuneInvalid(str(error).rstrip(".")) from error


def rates_at(demand: Demand, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chats a second at each time, in seconds from the demand's start; the last step holds at its end."""
    ends = np.array([step.end_s for step in demand.steps])
    rates = np.array([step.rps for step in demand.steps], dtype=np.float64)
    return rates[np.minimum(np.searchsorted(ends, at_s, side="right"), len(rates) - 1)]


def _point(path: Path, number: int, row: list[str]) -> tuple[float, float]:
    try:
        time_s, rps = (float(cell) for cell in row)
    except ValueError:
        raise TuneInvalid(
            f"{path}: row {number}: {','.join(row)} is not two numbers; write e.g. 60,12.5"
        ) from None
    return time_s, rps
