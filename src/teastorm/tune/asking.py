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

SOCKET_S = 30.0
WITHIN_S = 60.0
MOST_BYTES = 32 * 2**20
"""One series of 11,000 samples takes half a megabyte."""
LONGEST_WAIT_S = 10.0
ASKED_AGAIN = 2
_CHUNK_BYTES = 64 * 1024
_SAID = 200
_LATER = (429, 503)
_WRONG_QUESTION = (400, 422)


class AskError(Exception):
    """Why there is no answer, as the end of a sentence; `asked_wrongly` when the query is at fault."""

    def __init__(self, sentence: str, *, asked_wrongly: bool = False) -> None:
        super().__init__(sentence)
        self.asked_wrongly = asked_wrongly


class _PostponedError(requests.RequestException):
    """The server asks to come again in `wait_s` seconds."""

    def __init__(self, status: int, wait_s: float) -> None:
        super().__init__(f"HTTP {status}: it asks to come again in {wait_s:g} s")
        self.wait_s = wait_s


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
            except _PostponedError as postponed:
                if again == 0 or postponed.wait_s > LONGEST_WAIT_S:
                    raise AskError(str(postponed)) from postponed
                again -= 1
                sleep(postponed.wait_s)
            except (requests.JSONDecodeError, KeyError, TypeError, RecursionError) as error:
                raise AskError("it answers what no Prometheus does") from error
            except (requests.RequestException, HTTPError, PrometheusApiClientException) as error:
                raise AskError(_reason(error)) from error
            except (OSError, ValueError) as error:  # a CA's file, a header that no socket takes
                raise AskError(_reason(error)) from error

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
        """Read the body as far as it may go, and refuse what the server itself calls an error."""
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > self._most_bytes:
                response.close()
                raise AskError(
                    f"its answer is larger than {self._most_bytes / 2**20:g} MB; put sum(…) around "
                    "the query or choose a longer step",
                    asked_wrongly=True,
                )
        # There is no other way to give a response the body that was read for it.
        response._content = bytes(body)  # noqa: SLF001
        if response.is_redirect:
            return
        self._refuse(response)

    def _refuse(self, response: requests.Response) -> None:
        """Raise what an answer with an error means; an answer without one tells its warnings."""
        status = response.status_code
        wait = response.headers.get("Retry-After", "")
        if status in _LATER and wait.isascii() and wait.isdigit():
            raise _PostponedError(status, float(wait[:9]))
        told = _mapping_of(response)
        if told.get("status") == "error":
            said = " ".join(str(told.get("error", "")).split())[:_SAID]
            raise AskError(said or f"HTTP {status}", asked_wrongly=status in _WRONG_QUESTION)
        if status != requests.codes.ok:
            raise AskError(f"HTTP {status} {response.reason or ''}".rstrip())
        warnings = told.get("warnings")
        if isinstance(warnings, list):
            self.warnings += [" ".join(str(each).split())[:_SAID] for each in warnings[:3]]


def _mapping_of(response: requests.Response) -> Mapping[str, object]:
    """The answer if it is a mapping in JSON; else an empty one."""
    try:
        content = response.json()
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


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


def _reason(error: Exception) -> str:
    """The innermost words of an error: what the socket or the certificate said."""
    inner = error
    while (deeper := _made_of(inner)) is not None:
        inner = deeper
    return " ".join(str(inner).split())[:_SAID] or type(error).__name__


def _made_of(error: Exception) -> Exception | None:
    """The error that an error was made of."""
    parts = (getattr(error, "reason", None), *error.args)
    return next((each for each in parts if isinstance(each, Exception)), None)
