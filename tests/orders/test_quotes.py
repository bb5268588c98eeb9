"""Quotes: asked rarely and briefly, and never a condition of an order."""

from __future__ import annotations

import asyncio

import pytest

from teashop.orders.quotes import NO_QUOTE, Quotes, read_quote
from teashop.serving.client import Answer, Unavailable
from teashop.serving.clock import VirtualClock


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def quotes(dispatch, clock):
    return Quotes(dispatch, clock=clock, timeout_s=5.0, ttl_s=1.0)


async def test_a_quote_is_believed_for_its_time(quotes, dispatch, clock, answer):
    dispatch.quote = answer(200, {"accepting": True, "eta_s": 5})
    assert (await quotes.of("shop 1/2")).eta_s == 5.0
    dispatch.quote = answer(200, {"accepting": False})
    await clock.advance(0.9)
    assert (await quotes.of("shop 1/2")).accepting
    await clock.advance(0.2)
    assert not (await quotes.of("shop 1/2")).accepting
    assert dispatch.quoted == ["/quote?shop=shop%201%2F2"] * 2


async def test_callers_at_once_ask_once(quotes, dispatch, answer):
    go_on = asyncio.Event()

    async def slow():
        await go_on.wait()
        return answer(200, {"accepting": True, "eta_s": 5})

    dispatch.quote = slow
    asking = [asyncio.create_task(quotes.of("s")) for _ in range(5)]
    while not dispatch.quoted:
        await asyncio.to_thread(int)
    asking[0].cancel()  # one that leaves takes nothing from the others
    go_on.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [getattr(o, "eta_s", None) for o in outcomes] == [None, 5.0, 5.0, 5.0, 5.0]
    assert len(dispatch.quoted) == 1


async def test_no_answer_is_no_quote_and_is_remembered(quotes, dispatch):
    dispatch.quote = Unavailable("dispatch", "dependency")
    assert await quotes.of("s") is NO_QUOTE
    assert await quotes.of("s") is NO_QUOTE
    assert len(dispatch.quoted) == 1


async def test_a_dispatch_that_hangs_is_not_waited_for(dispatch, clock):
    async def never():
        await asyncio.Event().wait()

    dispatch.quote = never
    quotes = Quotes(dispatch, clock=clock, timeout_s=0.01, ttl_s=1.0)
    assert await asyncio.wait_for(quotes.of("s"), 10) is NO_QUOTE


@pytest.mark.parametrize(
    "reply",
    [Answer(500, b"", {}), Answer(200, b"{", {}), Answer(200, b"[]", {})],
    ids=["error", "no json", "no object"],
)
def test_what_says_nothing_is_no_quote(reply):
    assert read_quote(reply) is NO_QUOTE


def test_retry_after_may_come_in_the_header(answer):
    quote = read_quote(answer(200, {"accepting": False, "eta_s": True}, Retry_After="4"))
    assert quote.retry_after_s == 4.0
    assert quote.eta_s is None
    assert read_quote(answer(200, {"accepting": False}, Retry_After="later")).retry_after_s == 1.0
