"""Bytes out, meaning in: requests of an arrival, and what an answer says."""

from __future__ import annotations

import math
from dataclasses import dataclass

import orjson

from teastorm.load.client import Answer, Wish
from teastorm.load.schedule import Arrival
from teastorm.load.wire import Reply

_PATHS = {"chat": b"POST /chat", "checkout": b"POST /checkout", "menu": b"GET /menu"}


def fixed_part(arrival: Arrival) -> bytes:
    """Headers that no attempt changes; built before the load starts."""
    lines = [
        b"Host: teashop",
        b"User-Agent: teastorm",
        b"X-User: " + arrival.user.encode(),
    ]
    if arrival.asked:
        lines.append(b"X-Criticality: " + arrival.asked.encode())
    if arrival.klass in {"chat", "checkout", "payment"}:
        lines.append(b"Idempotency-Key: " + arrival.key.encode())
        lines.append(b"Content-Length: %d" % len(arrival.payload))
    if arrival.payload:
        lines.append(b"Content-Type: application/json")
    return b"\r\n".join(lines)


def request_bytes(
    arrival: Arrival, fixed: bytes, wish: Wish, *, now_s: float, number: int, order_id: str
) -> bytes:
    """One attempt, ready to send; `number` (of the arrival) and the attempt make the trace id."""
    if arrival.klass == "payment":
        start = b"POST /orders/%s/payment" % order_id.encode()
    elif arrival.klass == "status":
        start = b"GET /orders/%s" % order_id.encode()
    else:
        start = _PATHS[arrival.klass]
    ticket = b"\r\nX-Ticket: " + wish.ticket.encode() if wish.ticket else b""
    return b"%s HTTP/1.1\r\n%s\r\nX-Request-Timeout-Ms: %d\r\ntraceparent: 00-%032x-%016x-01%s\r\n\r\n%s" % (
        start,
        fixed,
        wish.budget_ms(now_s),
        number + 1,
        wish.attempts,
        ticket,
        arrival.payload,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer said, as the log wants it."""

    answer: Answer
    right: bool
    order_id: str


_NOTHING = Reading(Answer(0), right=False, order_id="")


def read(arrival: Arrival, reply: Reply) -> Reading:
    """Judge an answer against the arrival's truth; nonsense in it is read as silence."""
    status = reply.status
    if status == 0:
        return _NOTHING
    retry_after_s = _seconds(reply.headers.get("retry-after"))
    if status >= 400:
        return Reading(Answer(status, retry_after_s), right=False, order_id="")
    if arrival.klass == "menu":
        return Reading(Answer(status, retry_after_s), right=status < 300, order_id="")
    try:
        body = orjson.loads(reply.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Reading(Answer(status, retry_after_s), right=False, order_id="")
    ticket = str(body.get("ticket") or "")
    if status == 202 and ticket:
        answer = Answer(status, retry_after_s, ticket, _seconds(body.get("eta_s")))
        return Reading(answer, right=False, order_id="")
    truth = arrival.truth
    right = status < 300 and (truth is None or body.get("order") == truth.to_json())
    return Reading(Answer(status, retry_after_s), right, str(body.get("order_id") or ""))


def _seconds(raw: object) -> float:
    try:
        value = float(raw)  # type: ignore[arg-type]  # None and objects land in the handler
    except (TypeError, ValueError):
        return math.nan
    return value if 0 <= value < 86400 else math.nan
