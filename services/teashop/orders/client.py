"""What orders needs of the outgoing client: the shape that tests replace."""

from __future__ import annotations

from typing import Protocol

from teashop.serving.asgi import Headers
from teashop.serving.client import Answer


class Client(Protocol):
    """The part of `teashop.serving.client.Outgoing` that is used here."""

    async def start(self) -> None:
        """Open connections."""
        ...

    async def stop(self) -> None:
        """Close them."""
        ...

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
        """Ask a service; `Unavailable` when no answer could be had."""
        ...


def retry_after_s(answer: Answer) -> float | None:
    """The seconds that an answer's Retry-After asks for; None without a valid one."""
    for name, value in answer.headers.items():
        if name.lower() == "retry-after":
            try:
                seconds = float(value)
            except ValueError:
                return None
            return seconds if 0 <= seconds < 86_400 else None
    return None


def seconds(value: object) -> float | None:
    """What stands for seconds in another service's JSON; None when it is no number from 0 on."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        return None
    return float(value)
