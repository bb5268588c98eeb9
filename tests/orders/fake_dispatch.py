"""Dispatch as orders meets it: what it is asked, and answers from a script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson

from teashop.serving.asgi import Headers
from teashop.serving.client import Answer, Unavailable

type Reply = Answer | Unavailable


class FakeDispatch:
    """Answers in place of the outgoing client: from a script, then as a dispatch that works."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.quote: Reply | Callable[[], Awaitable[Answer]] = Unavailable("dispatch", "dependency")
        self.assignments: list[dict[str, object]] = []
        self.quoted: list[str] = []
        self.revised: list[dict[str, object]] = []
        self.revisions: Reply | None = None
        self.followed: list[int] = []
        self.running = False

    async def start(self) -> None:
        self.running = True

    async def stop(self) -> None:
        self.running = False

    async def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Headers = (),
        deadline_s: float | None = None,
        idempotent: bool = True,
        attempts: int | None = None,
    ) -> Answer:
        assert service == "dispatch"
        assert attempts == 1, "the relay is the one place that tries again"
        if path.startswith("/revisions?since="):
            since = int(path.rpartition("=")[2])
            self.followed.append(since)
            if self.revisions is not None:
                return _given(self.revisions)
            fresh = [row for row in self.revised if row["id"] > since]  # type: ignore[operator]
            return json_answer(200, {"revisions": fresh})
        if method == "GET":
            self.quoted.append(path)
            reply = self.quote if isinstance(self.quote, Answer | Unavailable) else None
            return _given(reply) if reply is not None else await self.quote()  # type: ignore[operator]
        assert (method, path) == ("POST", "/assignments")
        self.assignments.append(orjson.loads(body))
        return _given(self.script.pop(0) if self.script else json_answer(201, {"promised_s": 60.0}))

    def delivered(self) -> list[object]:
        """The order ids of every attempt, in order."""
        return [assignment["order_id"] for assignment in self.assignments]


def _given(reply: Reply) -> Answer:
    if isinstance(reply, Unavailable):
        raise reply
    return reply


def json_answer(status: int, payload: object, **headers: str) -> Answer:
    """An answer of another service; header names with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, orjson.dumps(payload), named)
