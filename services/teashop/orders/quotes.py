"""Asks dispatch whether a shop takes orders now: quickly, rarely, and never as a condition.

A quote that does not come in time means that the order is accepted without an ETA.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote as percent_encoded

import orjson

from teashop.orders.client import Client, retry_after_s, seconds
from teashop.serving.client import Answer, Unavailable
from teashop.serving.clock import Clock

_MOST_SHOPS = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """What a shop says of a new order.

    Attributes:
        accepting: False when it is full or paused.
        eta_s: what it would promise; None when it is not known.
        retry_after_s: when it may accept again.
        why: `paused` or `full`, for the refusal's sentence.
        unknown: there is no such shop.
    """

    accepting: bool
    eta_s: float | None = None
    retry_after_s: float = 1.0
    why: str = ""
    unknown: bool = False


NO_QUOTE = Quote(accepting=True)
"""Stands for a quote that could not be had."""


class Quotes:
    """Quotes by shop, each believed for a while. Belongs to one event loop.

    Args:
        ttl_s: how long a quote, or its absence, is believed. Absence too, or a dispatch that
            hangs would cost every checkout the whole time-out.
    """

    def __init__(self, client: Client, *, clock: Clock, timeout_s: float, ttl_s: float) -> None:
        self._client = client
        self._clock = clock
        self._timeout_s = timeout_s
        self._ttl_s = ttl_s
        self._known: dict[str, tuple[float, Quote]] = {}
        self._asking: dict[str, asyncio.Task[Quote]] = {}

    async def of(self, shop: str) -> Quote:
        """The shop's quote, at most `ttl_s` old; NO_QUOTE when none came within the time-out."""
        known = self._known.get(shop)
        if known is not None and self._clock.now() < known[0]:
            return known[1]
        task = self._asking.get(shop)
        if task is None:
            task = asyncio.create_task(self._ask(shop))
            self._asking[shop] = task
        # Shielded: one caller that goes away must not take the quote from the others.
        return await asyncio.shield(task)

    async def _ask(self, shop: str) -> Quote:
        quote = NO_QUOTE
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.request(
                    "dispatch",
                    "GET",
                    f"/quote?shop={percent_encoded(shop, safe='')}",
                    deadline_s=self._clock.now() + self._timeout_s,
                    attempts=1,
                )
            quote = read_quote(answer)
        except (TimeoutError, Unavailable):
            pass  # NO_QUOTE: the order is accepted later by the relay
        finally:
            del self._asking[shop]
            if len(self._known) >= _MOST_SHOPS:  # callers choose the names
                self._known.clear()
            self._known[shop] = (self._clock.now() + self._ttl_s, quote)
        return quote


def read_quote(answer: Answer) -> Quote:
    """Dispatch's answer as a quote; NO_QUOTE when it says nothing of the shop."""
    if answer.status == 404:
        return Quote(accepting=False, unknown=True)
    if answer.status != 200:
        return NO_QUOTE
    try:
        body = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return NO_QUOTE
    if not isinstance(body, Mapping):
        return NO_QUOTE
    accepting = body.get("accepting")
    later = seconds(body.get("retry_after_s"))
    return Quote(
        accepting=accepting is not False,
        eta_s=seconds(body.get("eta_s")),
        retry_after_s=later if later is not None else retry_after_s(answer) or 1.0,
        why="paused" if body.get("paused") is True else "full",
    )
