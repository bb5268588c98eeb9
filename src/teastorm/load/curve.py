"""A day's demand as a curve: read, checked, scaled and compressed.

A curve file has two columns, `minute` and `relative_rate` (fraction of the peak). Between its
points the rate is linear, as the integral below takes it. Lines without anything in them are passed
over, and rows are counted as the file's lines are.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

from teastorm.load.errors import PlanInvalid
from teastorm.whole_file import why

COLUMNS = ("minute", "relative_rate")
DOCUMENTED_PEAK_RPS = 540.0
"""Orders a second at the peak of `milk-tea-day.csv` at its full scale; see its README."""
LONGEST_S = 7 * 24 * 3600.0
"""Of a demand: a longer one is a slip of units, and would be millions of steps."""

type Row = tuple[int, list[str]]
"""A line's number, counted from 1, and its cells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DemandCurve:
    """Relative demand over a day, linear between points.

    Attributes:
        name: where it came from, for reports.
        minutes: rising, from 0.
        rates: fraction of the peak, each in 0..1, the largest 1.
    """

    name: str
    minutes: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what no day can look like."""
        if len(self.minutes) != len(self.rates) or len(self.minutes) < 2:
            raise PlanInvalid(f"{self.name}: a curve needs at least two points.")
        if self.minutes[0] != 0:
            raise PlanInvalid(f"{self.name}: the first minute must be 0, got {self.minutes[0]:g}.")
        if any(b <= a for a, b in zip(self.minutes, self.minutes[1:], strict=False)):
            raise PlanInvalid(f"{self.name}: minutes must rise from point to point.")
        if self.minutes[-1] * 60 > LONGEST_S:
            raise PlanInvalid(f"{self.name}: it spans more than a week; choose a part of it.")
        if not all(math.isfinite(r) and 0 <= r <= 1 for r in self.rates) or max(self.rates) != 1:
            raise PlanInvalid(f"{self.name}: rates must lie in 0..1 with a peak of exactly 1.")

    @property
    def seconds(self) -> float:
        """Length of the day, uncompressed."""
        return self.minutes[-1] * 60

    def at(self, share: float) -> float:
        """Relative rate at `share` (0..1) of the day."""
        minute = share * self.minutes[-1]
        for (a, b), (x, y) in zip(
            zip(self.minutes, self.minutes[1:], strict=False),
            zip(self.rates, self.rates[1:], strict=False),
            strict=True,
        ):
            if minute <= b:
                return x + (y - x) * max(0.0, minute - a) / (b - a)
        return self.rates[-1]

    def total(self, *, peak_rps: float) -> float:
        """Requests of the whole day, uncompressed, when its peak is `peak_rps`."""
        area = sum(
            (b - a) * 60 * (x + y) / 2
            for a, b, x, y in zip(
                self.minutes, self.minutes[1:], self.rates, self.rates[1:], strict=False
            )
        )
        return area * peak_rps

    def compressed(self, *, time_factor: float, peak_rps: float) -> list[tuple[float, float]]:
        """Piecewise-constant steps `(seconds, rps)`, one a minute of the day, for a generator.

        Args:
            time_factor: how many seconds of the day pass in one second, at least 1.
            peak_rps: rate at the peak, not compressed (service times are not either).
        """
        if not time_factor >= 1:
            raise PlanInvalid(f"{self.name}: time_factor must be at least 1, got {time_factor:g}.")
        if not peak_rps > 0:
            raise PlanInvalid(f"{self.name}: peak_rps must be above 0, got {peak_rps:g}.")
        steps = max(1, math.ceil(self.minutes[-1]))
        width_s = self.seconds / time_factor / steps
        return [(width_s, peak_rps * self.at((i + 0.5) / steps)) for i in range(steps)]


def read_rows(path: Path) -> list[Row]:
    """The lines of a CSV file that hold anything; `PlanInvalid` when it cannot be read as one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines)
            return [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except FileNotFoundError:
        raise PlanInvalid(f"{path}: no such file; name a demand that exists.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlanInvalid(
            f"{path}: cannot be read as CSV ({why(error)}); save it as UTF-8 text."
        ) from None


def header_of(rows: list[Row]) -> tuple[str, ...]:
    """The cells of the first row; empty when there is none."""
    return tuple(map(str.strip, rows[0][1])) if rows else ()


def read_curve(path: Path) -> DemandCurve:
    """Read a curve file; `PlanInvalid` names the file, the row and what to do."""
    rows = read_rows(path)
    if header_of(rows) != COLUMNS:
        raise PlanInvalid(f"{path}: row 1 must be the header {','.join(COLUMNS)}.")
    return curve_of(path, rows)


def curve_of(path: Path, rows: list[Row]) -> DemandCurve:
    """The curve in a file's rows, the header among them; `PlanInvalid` as `read_curve` says."""
    minutes: list[float] = []
    rates: list[float] = []
    for number, row in rows[1:]:
        minute, rate = _point(path, number, row)
        if minutes and minute <= minutes[-1]:
            raise PlanInvalid(
                f"{path}: row {number}: minute must be above {minutes[-1]:g}, got {minute:g};"
                " sort the rows."
            )
        minutes.append(minute)
        rates.append(rate)
    if not rates or max(rates) != 1:
        raise PlanInvalid(
            f"{path}: the largest relative_rate must be 1 (the peak), got"
            f" {max(rates, default=0):g}; divide the column by its largest value."
        )
    return DemandCurve(name=path.name, minutes=tuple(minutes), rates=tuple(rates))


def _point(path: Path, number: int, row: list[str]) -> tuple[float, float]:
    where = f"{path}: row {number}"
    if len(row) != len(COLUMNS):
        raise PlanInvalid(f"{where} has {len(row)} cells; give {len(COLUMNS)}.")
    try:
        minute, rate = (float(cell) for cell in row)
    except ValueError:
        raise PlanInvalid(
            f"{where}: {','.join(row)} is not two numbers; write e.g. 12,0.85."
        ) from None
    if not (math.isfinite(minute) and minute >= 0):
        raise PlanInvalid(f"{where}: minute must be 0 or above, got {row[0]}.")
    if not 0 <= rate <= 1:
        raise PlanInvalid(f"{where}: relative_rate must be between 0 and 1, got {row[1]}.")
    return minute, rate
