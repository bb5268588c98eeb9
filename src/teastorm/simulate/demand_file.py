"""A demand's file: the shape of a day (`minute,relative_rate`), or its very rates (`time_s,rps`).

`teastorm simulate` and `teastorm tune` read the same files and refuse them in the same words.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

from teastorm.load.curve import COLUMNS, LONGEST_S, DemandCurve, curve_of, header_of, read_rows
from teastorm.load.errors import PlanInvalid
from teastorm.simulate.demand import Demand
from teastorm.simulate.errors import ScenarioInvalid

RATE_COLUMNS = ("time_s", "rps")


def read_demand(path: Path) -> DemandCurve | Demand:
    """A curve, whose size the caller has to give, or rates, which have their own.

    Raises:
        ScenarioInvalid: the file, the row and the fix in one sentence.
    """
    try:
        rows = read_rows(path)
        if not rows:
            raise ScenarioInvalid(f"{path}: is empty; it needs a header and at least two rows")
        header = header_of(rows)
        if header == COLUMNS:
            return curve_of(path, rows)
    except PlanInvalid as error:
        raise ScenarioInvalid(str(error)) from error
    if header == RATE_COLUMNS:
        return of_points(str(path), [_point(path, number, row) for number, row in rows[1:]])
    hint = "; part cells by commas, and write numbers like 12.5" if ";" in header[0] else ""
    raise ScenarioInvalid(
        f"{path}: row 1 must be the header {','.join(COLUMNS)} or {','.join(RATE_COLUMNS)}{hint}"
    )


def of_points(name: str, points: list[tuple[float, float]]) -> Demand:
    """A demand from `(time_s, rps)`; each rate holds until the next point's time.

    The times may begin anywhere (at an epoch, say). ScenarioInvalid names the point.
    """
    if len(points) < 2:
        raise ScenarioInvalid(f"{name}: it needs at least two points, got {len(points)}")
    for number, ((a, _), (b, _)) in enumerate(pairwise(points), start=1):
        if not b > a:
            raise ScenarioInvalid(
                f"{name}: point {number + 1}: times must rise, got {b:g} s after {a:g} s; sort them"
            )
    for number, (_, rps) in enumerate(points, start=1):
        if not 0 <= rps < math.inf:
            raise ScenarioInvalid(
                f"{name}: point {number}: the rate must be 0 or above, got {rps:g}"
            )
    if points[-1][0] - points[0][0] > LONGEST_S:
        raise ScenarioInvalid(f"{name}: it spans more than a week; choose a part of it")
    return Demand.of_rates(name, points)


def _point(path: Path, number: int, row: list[str]) -> tuple[float, float]:
    try:
        time_s, rps = (float(cell) for cell in row)
    except ValueError:
        raise ScenarioInvalid(
            f"{path}: row {number}: {','.join(row)} is not two numbers; write e.g. 60,12.5"
        ) from None
    return time_s, rps
