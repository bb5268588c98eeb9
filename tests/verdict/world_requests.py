"""The request log of a small model of a run: what customers asked for, and what became of it."""

from __future__ import annotations

import numpy as np
from tests.verdict.world import (
    CRITICALITY,
    DEADLINES,
    END,
    FAULT,
    NAN,
    SERVICE_S,
    START,
    STOP,
    K,
    Row,
)


def _row(number: int, class_: str, at_s: float, **changes: object) -> Row:
    row: Row = {
        "request_id": f"r{number:06d}",
        "class": class_,
        "criticality": CRITICALITY[class_],
        "user": f"u{number % 97}",
        "key": f"k{number:06d}",
        "phase": "before" if at_s < FAULT else "fault" if at_s < END else "after",
        "intended_s": at_s,
        "attempt": 1,
        "sent_s": at_s + 0.001,
        "ended_s": at_s + 0.02,
        "status": 200,
        "error": "",
        "rung": "none",
        "reason": "",
        "refused_for": "",
        "threshold": "2:0.333" if FAULT <= at_s < END else "",
        "retry_after_s": NAN,
        "replica": f"gateway-{number % 2}",
        "sequence_s": 0.0,
        "right": True,
        "order_id": "",
        "ticket": "",
        "waited_s": 0.0,
        "final": True,
        "lag_s": 0.001,
        "honoured": False,
    }
    return row | changes


def _served(row: Row, latency_s: float, rung: str = "full") -> Row:
    ended_s = row["sent_s"] + latency_s
    share = {"full": SERVICE_S, "short": SERVICE_S / 2}.get(rung, 0.0)
    return row | {"ended_s": ended_s, "rung": rung, "sequence_s": share}


def _refused(row: Row, retry_after_s: float = 2.0) -> Row:
    return row | {
        "status": 503,
        "rung": "refused",
        "reason": "priority",
        "refused_for": "inference",
        "retry_after_s": retry_after_s,
        "ended_s": row["sent_s"] + 0.004,
        "right": False,
    }


def _timed_out(row: Row) -> Row:
    return row | {
        "status": 0,
        "error": "timeout",
        "rung": "",
        "replica": "",
        "ended_s": row["sent_s"] + DEADLINES[row["class"]],
        "right": False,
    }


def _arrivals(rng: np.random.Generator, rps: float, start_s: float, end_s: float) -> list[float]:
    """Evenly spread with jitter: the rate is met, and no test depends on a draw."""
    count = round(rps * (end_s - start_s))
    at = start_s + (np.arange(count) + rng.uniform(0, 1, count)) / rps
    return [float(t) for t in at]


def _protected_chat(row: Row, number: int, rng: np.random.Generator) -> list[Row]:
    latency_s = 1.5 + float(rng.uniform(0, 0.1))
    if not FAULT <= row["intended_s"] < END or number % 3 == 0:
        return [_served(row, latency_s)]
    if number % 3 == 1:
        cheap = (("cache", True, 200), ("menu", False, 200), ("ticket", False, 202))
        rung, right, status = cheap[number // 3 % 3]
        return [_served(row, 0.01, rung) | {"right": right, "status": status}]
    first = _refused(row)
    if number % 2:
        return [first]
    again = first["ended_s"] + 2.5
    second = _refused(row | {"attempt": 2, "sent_s": again, "waited_s": 2.5, "honoured": True})
    return [first | {"final": False}, second]


def _collapsed_chat(row: Row, rng: np.random.Generator) -> list[Row]:
    if row["intended_s"] < FAULT:
        return [_served(row, 1.5 + float(rng.uniform(0, 0.1)))]
    rows = []
    for attempt in (1, 2, 3):
        sent_s = row["sent_s"] + 4.2 * (attempt - 1)
        rows.append(_timed_out(row | {"attempt": attempt, "sent_s": sent_s, "final": attempt == 3}))
    return rows


def requests(rng: np.random.Generator, *, protected: bool) -> list[Row]:
    rows: list[Row] = []
    number = 0
    for start, end, factor in ((START, FAULT, 0.7), (FAULT, END, 3.0), (END, STOP, 0.7)):
        rates = {"chat": factor * K, "checkout": 12, "payment": 8, "status": 7, "menu": 6 * factor}
        for class_, rps in rates.items():
            for at_s in _arrivals(rng, rps, start, end):
                number += 1
                row = _row(number, class_, at_s)
                late = not protected and at_s >= FAULT
                if class_ == "chat":
                    chat = _protected_chat(row, number, rng) if protected else None
                    rows += chat or _collapsed_chat(row, rng)
                elif late and number % 3:
                    rows.append(_timed_out(row))
                elif class_ == "checkout":
                    rows.append(row | {"status": 201, "order_id": f"o{number:06d}"})
                else:
                    rows.append(row)
    return rows
