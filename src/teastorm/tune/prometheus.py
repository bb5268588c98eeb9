"""A range of somebody's Prometheus, asked for: `prometheus:URL?query=…[&start=…&end=…&step=…]`.

Through prometheus-api-client, as the testbed's other questions to a Prometheus.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit, urlunsplit

from teastorm.tune.answer import AskError
from teastorm.tune.asking import Asking
from teastorm.tune.errors import SourceUnreachable, TuneInvalid
from teastorm.tune.series import Place, Read, series_of

SCHEME = "prometheus:"
LONGEST_STEP_S = 86400.0


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


def parse_place(text: str, *, now_s: float, query: str | None = None) -> Place:
    """From `prometheus:URL?query=…`; `query` stands in for a missing one. TuneInvalid otherwise."""
    try:
        parts = urlsplit(text.removeprefix(SCHEME))
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an address that is none
        usable = False
    if not usable:
        raise TuneInvalid(f"--demand: {text!r} must be prometheus:http[s]://HOST/…?query=…")
    if parts.fragment:
        raise TuneInvalid("--demand: a # in the query cuts it off; write %23 for it")
    given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    for key in given:
        if key not in {"query", "start", "end", "step"}:
            raise TuneInvalid(f"--demand: {key!r} is not known; it takes query, start, end, step")
    asked = given.get("query") or query
    if not asked:
        raise TuneInvalid("--demand: the query is missing; write ?query=sum(rate(…[1m]))")
    end_s = float(round(_moment(given, "end", now_s)))
    start_s = float(round(_moment(given, "start", end_s - 7200)))
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
    """The series of a place.

    Raises:
        TuneInvalid: what was asked for has to change: the URL, the query, or a range whose samples
            are no rate (exit 2).
        SourceUnreachable: the server did not answer, failed, or let nobody in (exit 3).
    """
    asking = Asking(place.url, headers=access.headers, token=access.token, ca=access.ca)
    try:
        rows = asking.range(
            place.query,
            start=datetime.fromtimestamp(place.start_s, tz=UTC),
            end=datetime.fromtimestamp(place.end_s, tz=UTC),
            step_s=place.step_s,
        )
    except AskError as error:
        refused = TuneInvalid if error.asked_wrongly else SourceUnreachable
        raise refused(f"{place.shown}: the query failed: {error}") from error
    if not isinstance(rows, list):
        raise TuneInvalid(f"{place.shown}: gave no matrix; is it a Prometheus?")
    read = series_of(rows, place)
    warned = tuple(f"the server warned: {warning}" for warning in asking.warnings)
    return dataclasses.replace(read, told=(*read.told, *warned))


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
