"""An answer told token by token, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from teashop.inference.answers import pieces
from teashop.inference.completions import DONE, Reply, Usage, error_event
from teashop.inference.driver import Driver
from teashop.resilience.sequence import Sequence


async def events(
    driver: Driver,
    sequence: Sequence,
    gone: asyncio.Future[None],
    *,
    reply: Reply,
    content: str,
    usage_of: int | None,
) -> AsyncIterator[bytes]:
    """The events of a sequence's answer, each when its token is out; ends early when `gone` is done.

    Whoever does not read it to its end closes it: the sequence is left then. For one event loop.

    Args:
        usage_of: the prompt's tokens, for a last event with the usage; None: there is none.
    """
    parts = list(pieces(content, sequence.tokens))
    told = 0
    try:
        yield reply.chunk({"role": "assistant", "content": ""})
        while told < sequence.tokens:
            out = await driver.tokens(sequence, told + 1)
            if gone.done():
                return
            if out <= told:
                yield error_event("The deadline passed before the last token.", "deadline")
                return
            for part in parts[told:out]:
                yield reply.chunk({"content": part})
            told = out
        yield reply.chunk({}, finish_reason="stop")
        if usage_of is not None:
            yield reply.chunk(None, usage=Usage(prompt_tokens=usage_of, completion_tokens=told))
        yield DONE
    finally:
        gone.cancel()
        if sequence.outcome is None:
            driver.leave(sequence)
