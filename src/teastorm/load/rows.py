"""A row of the log, from an arrival and what came of an attempt. Times in seconds from the run's t0.

Built for every attempt while the load runs: plain tuples, no object in between.
"""

from __future__ import annotations

import math

from teastorm.load.client import Wish
from teastorm.load.messages import Reading
from teastorm.load.records import REQUESTS_SCHEMA, Row
from teastorm.load.schedule import Arrival
from teastorm.load.wire import Reply

_NAN = math.nan
_SILENT: dict[str, str] = {}
_FINAL = REQUESTS_SCHEMA.get_field_index("final")


def made_final(row: Row) -> Row:
    """The same row as the last of its wish."""
    return (*row[:_FINAL], True, *row[_FINAL + 1 :])


def row_of(
    arrival: Arrival,
    wish: Wish,
    intended_s: float,
    sent_s: float,
    ended_s: float,
    *,
    error: str,
    final: bool,
    attempt: int | None = None,
    reply: Reply | None = None,
    reading: Reading | None = None,
    waited_s: float = 0.0,
    lag_s: float = 0.0,
    honoured: bool = False,
) -> Row:
    """The row of an attempt: as answered, or as it stands when neither `reply` nor `reading` is given.

    Args:
        attempt: its number where `wish` has counted on already; 0 for an arrival never sent.
        waited_s: since the answer before it; `honoured` says that a Retry-After or ticket asked so.
        lag_s: how late the wish's first attempt went; the same in all of its rows.
    """
    said = (reply.headers if reply else _SILENT).get
    answer = reading.answer if reading else None
    return (
        arrival.key,
        arrival.klass,
        arrival.criticality,
        arrival.user,
        arrival.key,
        arrival.phase,
        intended_s,
        wish.attempts if attempt is None else attempt,
        sent_s,
        ended_s,
        answer.status if answer else 0,
        error,
        said("x-degradation", ""),
        said("x-refusal", ""),
        said("x-refused-for", ""),
        said("x-threshold", ""),
        answer.retry_after_s if answer else _NAN,
        said("x-replica", ""),
        _sequence_s(said("x-sequence-seconds", "")),
        reading.right if reading else False,
        reading.order_id if reading else "",
        answer.ticket if answer else "",
        waited_s,
        final,
        lag_s,
        honoured,
    )


def _sequence_s(text: str) -> float:
    if not text:
        return 0.0
    try:
        return float(text)
    except ValueError:
        return 0.0
