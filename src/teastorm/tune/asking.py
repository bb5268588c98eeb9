"""One question to somebody else's Prometheus, bounded in time and memory.

A time-out of `requests` bounds one wait of a socket, not an answer: a server that trickles, floods,
sends in circles or asks to come again tomorrow would hold a session for ever. So an answer is read
up to `MOST_BYTES`, a `Retry-After` is honoured up to `LONGEST_WAIT_S`, and all of it ends within
`WITHIN_S`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from time import sleep
from typing import Any, cast, override

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from teastorm.tune.answer import AskError, PostponedError, read, reason

SOCKET_S = 30.0
WITHIN_S = 60.0
MOST_BYTES = 32 * 2**20
"""One series of 11,000 samples takes half a megabyte."""
LONGEST_WAIT_S = 10.0
ASKED_AGAIN = 2


class _Bearer(AuthBase):
    """A token that no entry of ~/.netrc replaces, and that follows no redirect to another host."""

    def __init__(self, token: str) -> None:
        self._token = token

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Asking:
    """Asks one server; `warnings` holds what its answers said beside their data. One thread."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        token: str | None = None,
        ca: Path | None = None,
        within_s: float = WITHIN_S,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._url = url
        self._headers = dict(headers)
        self._token = token
        self._ca = ca
        self._within_s = within_s
        self._most_bytes = most_bytes
        self.warnings: list[str] = []

    def range(self, query: str, *, start: datetime, end: datetime, step_s: float) -> object:
        """What `data.result` of the answer is, whatever it is. `AskError` when there is none."""
        return _within(self._within_s, lambda: self._patiently(query, start, end, f"{step_s:g}"))

    def _patiently(self, query: str, start: datetime, end: datetime, step: str) -> object:
        again = ASKED_AGAIN
        while True:
            try:
                return self._once(query, start, end, step)
            except PostponedError as postponed:
                if again == 0 or postponed.wait_s > LONGEST_WAIT_S:
                    raise AskError(str(postponed)) from postponed
                again -= 1
                sleep(postponed.wait_s)
            except (requests.RequestException, HTTPError, PrometheusApiClientException) as error:
                raise AskError(reason(error)) from error
            except (OSError, ValueError) as error:  # a CA's file, a header that no socket takes
                raise AskError(reason(error)) from error

    def _once(self, query: str, start: datetime, end: datetime, step: str) -> object:
        with requests.Session() as session:
            session.verify = True if self._ca is None else str(self._ca)
            session.auth = None if self._token is None else _Bearer(self._token)
            session.hooks["response"].append(self._read)
            client = PrometheusConnect(
                self._url,
                headers=self._headers,
                session=session,
                retry=Retry(total=2, backoff_factor=0.2, respect_retry_after_header=False),
                timeout=SOCKET_S,
            )
            found: object = client.custom_query_range(query, start, end, step)
            return found

    def _read(self, response: requests.Response, **_: Any) -> None:
        self.warnings += read(response, self._most_bytes)


def _within[T](seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` gives; `AskError` after `seconds`.

    Its thread is left behind then, as a daemon: a socket that trickles cannot be interrupted.
    """
    answers: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((ask(), None))
        except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
            answers.put((None, error))

    threading.Thread(target=work, name="asking", daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise AskError(f"it had not answered whole after {seconds:g} s") from None
    if error is not None:
        raise error
    return cast("T", answer)
