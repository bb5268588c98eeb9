"""Call an ASGI application in memory; for tests of this project and of users' own services."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import orjson

from teashop.serving.asgi import Headers, Message
from teashop.serving.service import Service


@dataclass(frozen=True, slots=True)
class Called:
    """What an application answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> object:
        """The body as JSON."""
        parsed: object = orjson.loads(self.body)
        return parsed


async def call(
    app: Service,
    method: str,
    path: str,
    *,
    body: object = b"",
    headers: dict[str, str] | Headers = (),
    query: str = "",
    disconnect: asyncio.Event | None = None,
) -> Called:
    """Send one request to `app`; `body` is bytes, or anything JSON can say.

    Args:
        disconnect: when set, the client goes away at that moment.
    """
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    pairs = (
        [(k.lower().encode(), v.encode()) for k, v in headers.items()]
        if isinstance(headers, dict)
        else list(headers)
    )
    gone = disconnect or asyncio.Event()
    sent = False
    status = 0
    answered: list[tuple[bytes, bytes]] = []
    chunks: list[bytes] = []

    async def receive() -> Message:
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": raw, "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            answered.extend(message["headers"])
        else:
            chunks.append(message.get("body", b""))

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": pairs,
    }
    await app(scope, receive, send)
    return Called(status, {k.decode(): v.decode() for k, v in answered}, b"".join(chunks))
