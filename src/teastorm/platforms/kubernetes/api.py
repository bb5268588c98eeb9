"""What is asked of one cluster's API server: objects as JSON, tried again while that can help.

The official client's generated models cost more CPU than the shop's own metrics pages (every pod
of every watch event is built as some fifty objects), so bodies stay JSON here and each module
reads the few fields it needs.
"""

import contextlib
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import urlencode

from teastorm.platforms.kubernetes.errors import ClusterError, Unreachable, error_of, words_of
from teastorm.platforms.kubernetes.retry import AGAIN, RetryPolicy
from teastorm.platforms.kubernetes.transport import TIMEOUT_S, Transport

WATCH_S = 240
STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"

type Json = dict[str, Any]
"""A body as it came; read at once into a dataclass by whoever asked."""


class Api(Transport):
    """One context's API server. Thread-safe, as its transport is.

    Every method raises a `ClusterError` in one sentence; `retry` says how often and how long a
    busy or unreachable server is asked again.
    """

    def __init__(
        self,
        client: Any,
        context: str,
        *,
        retry: RetryPolicy | None = None,
        rng: random.Random | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(client, context)
        self._retry = retry or RetryPolicy()
        self._rng = rng or random.Random()
        self._sleep = sleep

    def get(self, path: str, **query: str) -> Json:
        """GET one object or list."""
        return self._json("GET", path, query=query)

    def post(self, path: str, body: object, **query: str) -> Json:
        """POST; a lost answer is asked for again, so a 409 may mean our own first try."""
        return self._json("POST", path, body=body, query=query)

    def put(self, path: str, body: object) -> Json:
        """PUT a whole object; its resourceVersion makes a 409 of a race."""
        return self._json("PUT", path, body=body)

    def patch(self, path: str, body: object, *, kind: str = STRATEGIC) -> Json:
        """PATCH a part of an object."""
        return self._json("PATCH", path, body=body, content_type=kind)

    def delete(self, path: str, body: object | None = None, **query: str) -> Json:
        """DELETE; `body` holds DeleteOptions."""
        return self._json("DELETE", path, body=body, query=query)

    def raw(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> tuple[int, bytes]:
        """One try of a request whose answer is not the API server's own (a pod's, by proxy)."""
        answer = self.once(method, path, body=body, headers=headers, timeout_s=timeout_s)
        return answer.status, answer.content

    def watch(self, path: str, **query: str) -> Iterator[Json]:
        """Events of a watch until the server ends it (after `WATCH_S` at most); `Expired` on 410.

        Silence is bounded by the read time-out, a little above the server's own.
        """
        query = {"watch": "true", "timeoutSeconds": str(WATCH_S), **query}
        query["allowWatchBookmarks"] = "true"
        what = f"watch {path}"
        lines = self.lines(_with(path, query), what=what, silent_s=WATCH_S + 15.0)
        with contextlib.closing(lines):
            for line in lines:
                event = cast("Json", json.loads(line))
                if event.get("type") == "ERROR":
                    status = event.get("object") or {}
                    code = int(status.get("code") or 500)
                    raise error_of(code, what, self.context, str(status.get("message", "")))
                yield event

    def _json(
        self,
        method: str,
        path: str,
        *,
        body: object | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Json:
        payload = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"}
        if payload is not None:
            headers["Content-Type"] = content_type
        began_s = time.monotonic()
        attempt = 1
        while True:
            failure: ClusterError
            answered: Mapping[str, str] = {}
            try:
                answer = self.once(method, _with(path, query), body=payload, headers=headers)
            except Unreachable as error:
                failure = error
            else:
                if answer.status < 400:
                    return _parsed(answer.content)
                said = words_of(answer.content)
                failure = error_of(answer.status, f"{method} {path}", self.context, said)
                if answer.status not in AGAIN or _budget_says_no(answer.content):
                    raise failure
                answered = answer.headers
            spent_s = time.monotonic() - began_s
            wait_s = self._retry.wait_s(attempt, spent_s, answered, self._rng)
            if wait_s is None:
                raise failure
            self._sleep(wait_s)
            attempt += 1


def _with(path: str, query: Mapping[str, str] | None) -> str:
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}"


def _parsed(content: bytes) -> Json:
    found = json.loads(content) if content.strip() else {}
    return cast("Json", found) if isinstance(found, dict) else {}


def _budget_says_no(content: bytes) -> bool:
    """A 429 to an eviction is the disruption budget's answer; its caller decides when to come back."""
    return b"DisruptionBudget" in content
