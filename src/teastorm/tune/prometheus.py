"""A range of somebody's Prometheus as a series: one query, one series, gaps and resets accounted for.

`prometheus:URL?query=…[&start=…&end=…&step=…]`. Through prometheus-api-client, as the testbed's
other questions to a Prometheus.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit, urlunsplit

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from teastorm.tune.errors import SourceUnreachable, TuneInvalid

SCHEME = "prometheus:"
TIMEOUT_S = 30
LONGEST_STEP_S = 86400.0
BRIDGED_STEPS = 3
"""A gap of so many steps is bridged by a straight line; a longer one is refused."""
_RATED = re.compile(r"\b(rate|irate|increase|delta|deriv|sum_over_time|avg_over_time)\s*\(")


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """How to be let in: a bearer token, a CA's file, headers such as a tenant's."""

    token: str | None = None
    ca: Path | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse a CA that is not there."""
        if self.ca is not None and not self.ca.is_file():
            raise TuneInvalid(f"--prometheus-ca: {self.ca} does not exist; name a PEM file")


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


def parse_place(text: str, *, now_s: float, query: str | None = None) -> Place:
    """From `prometheus:URL?query=…`; `query` stands in for a missing one. TuneInvalid otherwise."""
    parts = urlsplit(text.removeprefix(SCHEME))
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise TuneInvalid(f"--demand: {text!r} must be prometheus:http[s]://HOST/…?query=…")
    given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    for key in given:
        if key not in {"query", "start", "end", "step"}:
            raise TuneInvalid(f"--demand: {key!r} is not known; it takes query, start, end, step")
    asked = given.get("query") or query
    if not asked:
        raise TuneInvalid("--demand: the query is missing; write ?query=sum(rate(…[1m]))")
    end_s = _moment(given, "end", now_s)
    start_s = _moment(given, "start", end_s - 7200)
    step_s = _seconds(given.get("step", "15"))
    if not start_s < end_s:
        raise TuneInvalid("--demand: start must be before end")
    if (end_s - start_s) / step_s > 11_000:
        raise TuneInvalid(
            "--demand: more than 11000 steps; choose a longer step or a shorter range"
        )
    url = urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))
    return Place(url=url, query=asked, start_s=start_s, end_s=end_s, step_s=step_s)


def fetch(place: Place, access: Access) -> Read:
    """The series of a place; TuneInvalid (2) for what it holds, SourceUnreachable (3) without it."""
    headers = dict(access.headers)
    if access.token:
        headers["Authorization"] = f"Bearer {access.token}"
    session = requests.Session()
    session.verify = True if access.ca is None else str(access.ca)
    try:
        client = PrometheusConnect(
            place.url,
            headers=headers,
            session=session,
            retry=Retry(total=2, backoff_factor=0.2),
            timeout=TIMEOUT_S,
        )
        rows = client.custom_query_range(
            place.query,
            start_time=datetime.fromtimestamp(place.start_s, tz=UTC),
            end_time=datetime.fromtimestamp(place.end_s, tz=UTC),
            step=f"{place.step_s:g}",
        )
    except (requests.RequestException, PrometheusApiClientException) as error:
        why = " ".join(str(error).split())[:200]
        raise SourceUnreachable(f"{place.url}: the query failed: {why}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise SourceUnreachable(f"{place.url}: is no Prometheus ({error})") from error
    finally:
        session.close()
    return series_of(rows, place)


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


def _moment(given: Mapping[str, str], key: str, usual: float) -> float:
    text = given.get(key)
    if text is None:
        return usual
    try:
        # A number that is no date (nan, the year 40000) is refused here, not by the client.
        return datetime.fromtimestamp(float(text), tz=UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TuneInvalid(
            f"--demand: {key}={text} must be seconds since 1970 or 2026-02-06T12:00:00Z"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([0-9.]+)(s|m|h)?", text)
    units = {"s": 1, "m": 60, "h": 3600}
    try:
        value = float(match[1]) * units[match[2] or "s"] if match else 0.0
    except ValueError:
        value = 0.0
    if not 0 < value <= LONGEST_STEP_S:
        raise TuneInvalid(
            f"--demand: step={text} must be a duration such as 15 or 1m, a day at most"
        )
    return timedelta(seconds=value).total_seconds()
