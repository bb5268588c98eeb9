"""The AI rungs: a full answer, or a short one when only that still fits the caller's time."""

from __future__ import annotations

import orjson

from teashop.catalog.order import DrinkOrder
from teashop.gateway.door import Admitted
from teashop.gateway.parts import Parts
from teashop.gateway.room import NoRoom
from teashop.resilience.bounds import ai_outcome
from teashop.resilience.criticality import Criticality
from teashop.serving.asgi import JSON_TYPE, Response, json_response
from teashop.serving.client import Answer, Unavailable


class NoAnswer(Exception):
    """The AI gave no usable answer.

    Attributes:
        reason: a refusal reason (late, limit, queue_full, codel, deadline, breaker, dependency).
        waited: whether the caller was kept waiting for it.
    """

    def __init__(self, reason: str, *, waited: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.waited = waited


async def ask_ai(parts: Parts, admitted: Admitted, utterance: str, rank: Criticality) -> Response:
    """The AI's answer to one utterance.

    Args:
        rank: where it queues; a redeemed ticket goes before everybody else.

    Raises:
        NoAnswer: with the reason.
    """
    threshold = parts.front.ai.announced()
    if not parts.front.in_time(admitted.deadline_s, parts.clock.now()):
        # Nothing here was too slow for this caller: it came too late, whatever the load.
        raise NoAnswer("late")
    try:
        permit = await parts.ai_room.enter(rank, admitted.deadline_s)
    except NoRoom as full:
        raise NoAnswer(full.reason, waited=full.waited) from None
    started = parts.clock.now()
    if not parts.front.in_time(admitted.deadline_s, parts.clock.now()):
        parts.ai_room.leave(permit, "ignored")
        raise NoAnswer("deadline", waited=True)
    rung, tokens = parts.front.length(admitted.deadline_s, started)
    outcome = "ignored"
    served_s: float | None = None
    try:
        answer = await parts.client.request(
            "inference",
            "POST",
            "/v1/chat/completions",
            body=_question(utterance, tokens),
            headers=_headers(admitted, rank),
            deadline_s=admitted.deadline_s,
        )
        served_s = answer.served_s
        outcome = ai_outcome(
            rung, answer.headers.get("X-Refusal", "dependency") if answer.refused else None
        )
    except Unavailable as gone:
        outcome = "dropped" if gone.reason == "deadline" else "ignored"
        raise NoAnswer(gone.reason, waited=gone.reason == "deadline") from None
    finally:
        now = parts.clock.now()
        parts.front.ai_backlog.finished(now)
        took_s = parts.ai_way.without(now_s=now, rtt_s=now - started, served_s=served_s)
        parts.ai_room.leave(permit, outcome, took_s)
    return _answer(parts, utterance, answer, rung, threshold)


def _question(utterance: str, tokens: int) -> bytes:
    return orjson.dumps(
        {
            "model": "teashop",
            "messages": [{"role": "user", "content": utterance}],
            "max_tokens": tokens,
        }
    )


def _headers(admitted: Admitted, rank: Criticality) -> tuple[tuple[bytes, bytes], ...]:
    headers = (*JSON_TYPE, (b"x-criticality", rank.label.encode()))
    traceparent = admitted.request.header(b"traceparent")
    return headers if traceparent is None else (*headers, (b"traceparent", traceparent))


def _answer(parts: Parts, utterance: str, answer: Answer, rung: str, threshold: bytes) -> Response:
    """The client's answer made from the AI's."""
    if answer.refused:
        raise NoAnswer(answer.headers.get("X-Refusal", "dependency"), waited=True)
    if answer.status != 200:
        raise NoAnswer("deadline" if answer.status == 504 else "dependency")
    try:
        content = orjson.loads(answer.body)["choices"][0]["message"]["content"]
        order = orjson.loads(content)
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
        raise NoAnswer("dependency") from None
    if isinstance(order, dict) and order:
        parts.cache.put(utterance, DrinkOrder.from_json(order))
    spent = answer.headers.get("X-Sequence-Seconds", "0").encode()
    parts.metrics.answers.labels("chat", rung, "200").inc()
    return json_response(
        200,
        {"order": order or None, "text": "" if order else "What would you like?"},
        headers=(
            (b"x-degradation", rung.encode()),
            (b"x-sequence-seconds", spent),
            # Also the admitted are told, or who was let in could not be checked.
            (b"x-threshold", threshold),
        ),
    )
