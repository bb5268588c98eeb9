"""What a Prometheus answered as one series on a grid: gaps bridged or refused, counters made rates."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from teastorm.tune.errors import SourceUnreachable, TuneInvalid

BRIDGED_STEPS = 3
"""A gap of so many steps is bridged by a straight line; a longer one is refused."""
_RATED = re.compile(r"\b(rate|irate|increase|delta|deriv|sum_over_time|avg_over_time)\s*\(")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where and what to ask: times in seconds since 1970."""

    url: str
    query: str
    start_s: float
    end_s: float
    step_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """`(seconds from the start, value)`, a step apart; what was done to them, one sentence each."""

    points: tuple[tuple[float, float], ...]
    told: tuple[str, ...] = ()


def series_of(rows: Sequence[Mapping[str, object]], place: Place) -> Read:
    """The answer's one series, on the grid of the steps, bridged and unwound."""
    if not rows:
        raise TuneInvalid(f"{place.url}: {place.query!r} has no data in that range")
    if len(rows) > 1:
        raise TuneInvalid(
            f"{place.url}: {place.query!r} gives {len(rows)} series; put sum(…) around it"
        )
    raw = rows[0].get("values") if isinstance(rows[0], Mapping) else None
    if not isinstance(raw, list):
        raise SourceUnreachable(f"{place.url}: gave no matrix; ask for a range")
    try:
        known = {
            round((float(at) - place.start_s) / place.step_s): float(value)
            for at, value in raw
            if math.isfinite(float(value))
        }
    except (TypeError, ValueError, OverflowError) as error:
        raise SourceUnreachable(
            f"{place.url}: gave samples that are none ({error}); is it a Prometheus?"
        ) from error
    if len(known) < 2:
        raise TuneInvalid(f"{place.url}: {place.query!r} has fewer than two samples in that range")
    told: list[str] = []
    steps, values = _bridged(known, place, told)
    if _is_counter(place.query):
        values = _rates(values, place.step_s, told)
        steps = steps[1:]
    negative = next((v for v in values if v < 0), None)
    if negative is not None:
        raise TuneInvalid(
            f"{place.url}: {place.query!r} falls below 0 ({negative:g}): no rate does"
        )
    points = tuple(
        ((step - steps[0]) * place.step_s, value) for step, value in zip(steps, values, strict=True)
    )
    return Read(points=points, told=tuple(told))


def _bridged(
    known: Mapping[int, float], place: Place, told: list[str]
) -> tuple[list[int], list[float]]:
    found = sorted(known)
    steps, values, bridged = [found[0]], [known[found[0]]], 0
    for before, after in pairwise(found):
        gap = after - before - 1
        if gap > BRIDGED_STEPS:
            a, b = (
                datetime.fromtimestamp(place.start_s + n * place.step_s, tz=UTC)
                for n in (before, after)
            )
            raise TuneInvalid(
                f"{place.url}: {place.query!r} has a gap of {(gap + 1) * place.step_s:g} s, from "
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
