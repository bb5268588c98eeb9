"""The few ASGI pieces the services need: request, response, problem.

Raw ASGI on purpose: a refusal at the door has to cost tens of microseconds, and the body must
stay unread until a request has been admitted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Headers = tuple[tuple[bytes, bytes], ...]
type Handler = Callable[[Request], Awaitable[Response]]

JSON_TYPE: Headers = ((b"content-type", b"application/json"),)
PROBLEM_TYPE: Headers = ((b"content-type", b"application/problem+json"),)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, body and headers (lower-case names); or a stream of body chunks."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    stream: AsyncIterator[bytes] | None = None

    def with_headers(self, *extra: tuple[bytes, bytes]) -> Response:
        """The same answer with more headers."""
        return Response(self.status, self.body, self.headers + extra, self.stream)


def json_response(status: int, payload: object, *, headers: Headers = ()) -> Response:
    """An answer whose body is `payload` as JSON."""
    return Response(status, orjson.dumps(payload), JSON_TYPE + headers)


class Problem(Exception):
    """A refusal or an error that becomes problem details (RFC 9457).

    Args:
        status: the HTTP status.
        reason: a short machine-readable word (`quota`, `limit`, `deadline`, …).
        detail: one sentence for a person.
        retry_after_s: whole seconds for Retry-After, at least 1.
        refused_for: the service whose scarcity caused a refusal.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        retry_after_s: int | None = None,
        refused_for: str | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.refused_for = refused_for
        self.headers = headers

    def response(self) -> Response:
        """The problem as an answer."""
        headers = list(PROBLEM_TYPE + self.headers)
        if self.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % max(1, self.retry_after_s)))
        if self.status in {429, 503}:
            headers.append((b"x-refusal", self.reason.encode()))
        if self.refused_for is not None:
            headers.append((b"x-refused-for", self.refused_for.encode()))
        body = orjson.dumps(
            {
                "type": f"urn:teashop:problem:{self.reason}",
                "title": _TITLES.get(self.status, "Error"),
                "status": self.status,
                "detail": self.detail,
                "reason": self.reason,
            }
        )
        return Response(self.status, body, tuple(headers))


_TITLES = {
    400: "Bad request",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Body too large",
    422: "Unprocessable content",
    429: "Over your quota",
    500: "Internal error",
    503: "The service sheds load",
    504: "Too late",
}


class BodyGone(Exception):
    """The client went away before its body had arrived."""


@dataclass(slots=True)
class Request:
    """One request as the handlers see it. Belongs to one task."""

    scope: Scope
    receive: Receive
    received_s: float
    params: dict[str, str] = field(default_factory=dict)
    _body: bytes | None = None
    _headers: dict[bytes, bytes] | None = None

    @property
    def method(self) -> str:
        """The HTTP method in capitals."""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """The decoded path."""
        return str(self.scope["path"])

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, the last of each name."""
        return dict(parse_qsl(self.scope.get("query_string", b"").decode("latin-1")))

    def header(self, name: bytes) -> bytes | None:
        """The value of a header, its name in lower case."""
        if self._headers is None:
            self._headers = dict(self.scope["headers"])
        return self._headers.get(name)

    async def body(self, limit: int = 65_536) -> bytes:
        """The whole body.

        Raises:
            Problem: 413 when it is longer than `limit` bytes.
            BodyGone: the client went away.
        """
        if self._body is None:
            chunks: list[bytes] = []
            size = 0
            while True:
                message = await self.receive()
                if message["type"] == "http.disconnect":
                    raise BodyGone
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise Problem(413, "body", f"The body is longer than {limit} bytes.")
                chunks.append(chunk)
                if not message.get("more_body", False):
                    break
            self._body = b"".join(chunks)
        return self._body

    async def json(self) -> object:
        """The body as JSON; `Problem` 400 when it is none."""
        raw = await self.body()
        try:
            parsed: object = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Problem(400, "json", f"The body is not JSON: {error}.") from None
        return parsed

    async def wait_disconnected(self) -> None:
        """Return when the client has gone away; call it after the body was read."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
