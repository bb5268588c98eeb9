"""What tests of a chat share: an AI that answers or is out, and single protections."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

from tests.gateway.conftest import ai_answer

from teashop.catalog import utterances
from teashop.serving.client import Answer, Unavailable
from teashop.serving.settings import Protections

OFF = Protections.all_off()


def only(**on: bool) -> Protections:
    return replace(OFF, **on)


async def says_ai(_) -> Answer:
    return ai_answer()


async def ai_is_out(_) -> Answer:
    raise Unavailable("inference", "dependency")


def answered_after(event: asyncio.Event, answer: Callable[[], Answer]):
    """An AI that holds each chat until `event`, then answers it."""

    async def held(_) -> Answer:
        await event.wait()
        return answer()

    return held


def resolvable() -> str:
    rng = random.Random(3)
    return next(u.text for u in (utterances.draw(rng) for _ in range(200)) if u.resolvable)
