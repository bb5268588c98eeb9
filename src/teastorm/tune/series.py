"""What a Prometheus answered as one series on a grid: gaps bridged or refused, counters made rates."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import urlsplit, urlunsplit

from teastorm.tune.errors import TuneInvalid

BRIDGED_STEPS = 3
"""A gap of so many steps is bridged by a straight line; a longer one is refused."""
_RATED = re.compile(r"\b(rate|irate|increase|delta|deriv|sum_over_time|avg_over_time)\s*\(")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where and what to ask: times in whole seconds since 1970, as the client sends them."""

    url: str
    query: str
    start_s: float
    end_s: float
    step_s: float

    @property
    def shown(self) -> str:
        """The URL for messages and files: without a user's name and password."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """`(seconds from the range's start, value)`, a step apart; what was done, one sentence each."""

    points: tuple[tuple[float, float], ...]
    told: tuple[str, ...] = ()


def series_of(rows: Sequence[object], place: Place) -> Read:
    """The answer's one series, on the grid of its own steps, bridged and unwound.

    TuneInvalid for what is no series, several of them, or one that is no rate.
    """
    if not rows:
        raise TuneInvalid(f"{place.shown}: {place.query!r} has no data in that range")
    if len(rows) > 1:
        raise TuneInvalid(
            f"{place.shown}: {place.query!r} gives {len(rows)} series; put sum(…) around it"
        )
    known, first_s = _samples(rows[0], place)
    if len(known) < 2:
        raise TuneInvalid(
            f"{place.shown}: {place.query!r} has fewer than two samples in that range"
        )
    told = _told_of_the_ends(known, first_s, place)
    steps, values = _bridged(known, place, told, first_s)
    if _is_counter(place.query):
        values = _rates(values, place.step_s, told)
        steps = steps[1:]
    negative = next((v for v in values if v < 0), None)
    if negative is not None:
        raise TuneInvalid(
            f"{place.shown}: {place.query!r} falls below 0 ({negative:g}): no rate does"
        )
    # Several queries of one place are laid beside each other: their times are the range's.
    zero_s = first_s - place.start_s
    points = tuple(
        # Stamps are milliseconds: equal times have to be equal numbers.
        (round(zero_s + step * place.step_s, 3), value)
        for step, value in zip(steps, values, strict=True)
    )
    return Read(points=points, told=tuple(told))


def _samples(row: object, place: Place) -> tuple[dict[int, float], float]:
    """Finite values by their step from the answer's first sample, and when that was.

    Some servers move a range to multiples of its step, so the grid is the answer's own.
    """
    raw = row.get("values") if isinstance(row, Mapping) else None
    if not isinstance(raw, list):
        raise TuneInvalid(f"{place.shown}: gave no matrix; ask for a range")
    try:
        samples = [(float(at), float(value)) for at, value in raw]
    except (TypeError, ValueError, OverflowError) as error:
        raise TuneInvalid(
            f"{place.shown}: gave samples that are none ({error}); is it a Prometheus?"
        ) from error
    margin_s = place.step_s + 1.0
    for at, _ in samples:
        if not place.start_s - margin_s <= at <= place.end_s + margin_s:
            raise TuneInvalid(
                f"{place.shown}: gave a sample at {at:.15g}, which is outside the range asked for"
            )
    first_s = samples[0][0] if samples else place.start_s
    known: dict[int, float] = {}
    last = -1
    for at, value in samples:
        step = round((at - first_s) / place.step_s)
        if step <= last:
            raise TuneInvalid(
                f"{place.shown}: gave samples out of order (at {at:.15g}); is it a Prometheus?"
            )
        last = step
        if math.isfinite(value):
            known[step] = value
    return known, first_s


def _told_of_the_ends(known: Mapping[int, float], first_s: float, place: Place) -> list[str]:
    """What of the range has no samples at its begin and at its end: nothing stands for it."""
    begin_s = first_s + min(known) * place.step_s - place.start_s
    end_s = place.end_s - (first_s + max(known) * place.step_s)
    return [
        f"the {name} {seconds:g} s of the range have no samples and were left out"
        for name, seconds in (("first", begin_s), ("last", end_s))
        if seconds > place.step_s
    ]


def _bridged(
    known: Mapping[int, float], place: Place, told: list[str], first_s: float
) -> tuple[list[int], list[float]]:
    found = sorted(known)
    steps, values, bridged = [found[0]], [known[found[0]]], 0
    for before, after in pairwise(found):
        gap = after - before - 1
        if gap > BRIDGED_STEPS:
            a, b = (
                datetime.fromtimestamp(first_s + n * place.step_s, tz=UTC) for n in (before, after)
            )
            raise TuneInvalid(
                f"{place.shown}: {place.query!r} has a gap of {(gap + 1) * place.step_s:g} s, from "
                f"{a:%Y-%m-%dT%H:%M:%SZ} to {b:%H:%M:%SZ}; choose a range without it"
            )
        for n in range(1, gap + 2):
            share = n / (gap + 1)
            steps.append(before + n)
            values.append(known[before] * (1 - share) + known[after] * share)
        bridged += gap
    if bridged:
        told.append(f"{bridged} missing samples were bridged by straight lines")
    return steps, values


def _is_counter(query: str) -> bool:
    """A bare counter: its name ends in _total and nothing makes a rate of it."""
    return _RATED.search(query) is None and re.search(r"\w_total\b", query) is not None


def _rates(values: Sequence[float], step_s: float, told: list[str]) -> list[float]:
    rates, resets = [], 0
    for before, after in pairwise(values):
        if after < before:
            resets += 1  # it began anew at 0 somewhere in between
        rates.append((after - before if after >= before else after) / step_s)
    told.append("the query gives a counter: its increase was taken as the rate")
    if resets:
        told.append(f"{resets} resets of the counter: what it had reached anew was counted")
    return rates
