"""What one answer of a Prometheus means: its body within bounds, its errors, its warnings.

What has to change is either what was asked for (the URL, the query, the range: exit 2) or something
around the server, which did not answer or let nobody in (exit 3).
"""

from __future__ import annotations

from collections.abc import Mapping

import requests

_CHUNK_BYTES = 64 * 1024
_SAID = 200
_LATER = (429, 503)
_NOT_WHAT_WAS_ASKED = (401, 403, 407, 408, 425, 429)
"""Client errors that ask for credentials or for patience, not for another question."""
_WARNINGS = 3


class AskError(Exception):
    """Why there is no answer, as the end of a sentence.

    `asked_wrongly` when the URL or the query is at fault: the same would never be answered.
    """

    def __init__(self, sentence: str, *, asked_wrongly: bool = False) -> None:
        super().__init__(sentence)
        self.asked_wrongly = asked_wrongly


class PostponedError(requests.RequestException):
    """The server asks to come again in `wait_s` seconds."""

    def __init__(self, status: int, wait_s: float) -> None:
        super().__init__(f"HTTP {status}: it asks to come again in {wait_s:g} s")
        self.wait_s = wait_s


def read(response: requests.Response, most_bytes: int) -> list[str]:
    """Read the body as far as it may go; what the server warned of in it.

    Raises:
        AskError: it is an error, too large, or not what a Prometheus answers.
        PostponedError: not now.
    """
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > most_bytes:
            response.close()
            raise AskError(
                f"its answer is larger than {most_bytes / 2**20:g} MB; put sum(…) around "
                "the query or choose a longer step",
                asked_wrongly=True,
            )
    # There is no other way to give a response the body that was read for it.
    response._content = bytes(body)  # noqa: SLF001
    if response.is_redirect:
        return []
    told = _mapping_of(response)
    _refuse(response, told)
    data = told.get("data")
    if not (isinstance(data, dict) and "result" in data):
        raise AskError(_no_prometheus(body), asked_wrongly=True)
    warnings = told.get("warnings")
    return [_short(each) for each in warnings[:_WARNINGS]] if isinstance(warnings, list) else []


def _refuse(response: requests.Response, told: Mapping[str, object]) -> None:
    """Raise what an answer with an error means."""
    status = response.status_code
    wait = response.headers.get("Retry-After", "")
    if status in _LATER and wait.isascii() and wait.isdigit():
        raise PostponedError(status, float(wait[:9]))
    wrongly = 400 <= status < 500 and status not in _NOT_WHAT_WAS_ASKED
    if told.get("status") == "error":
        wrongly = wrongly or told.get("errorType") == "bad_data"
        raise AskError(_short(told.get("error", "")) or f"HTTP {status}", asked_wrongly=wrongly)
    if status != requests.codes.ok:
        said = f"HTTP {status} {response.reason or ''}".rstrip()
        raise AskError(said, asked_wrongly=wrongly)


def _no_prometheus(body: bytearray) -> str:
    if body.lstrip().startswith(b"<"):
        return (
            "it answers with a web page, as a login in front of it does; name the server's own URL, "
            "and give a token if it wants one (--prometheus-token-file)"
        )
    return "it answers what no Prometheus does; name the URL of one"


def _mapping_of(response: requests.Response) -> Mapping[str, object]:
    """The answer if it is a mapping in JSON; else an empty one."""
    try:
        content = response.json()
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def reason(error: Exception) -> str:
    """The innermost words of an error: what the socket or the certificate said."""
    inner = error
    while (deeper := _made_of(inner)) is not None:
        inner = deeper
    return _short(inner) or type(error).__name__


def _made_of(error: Exception) -> Exception | None:
    """The error that an error was made of."""
    parts = (getattr(error, "reason", None), *error.args)
    return next((each for each in parts if isinstance(each, Exception)), None)


def _short(said: object) -> str:
    return " ".join(str(said).split())[:_SAID]
