"""The mock LLM server over ASGI: answers, streams, its models, and requests that cannot be read."""

import asyncio
import json

import pytest
from tests.inference.conftest import ORDER, UTTERANCE, Start
from tests.inference.told import content, events

from teashop.serving.testing import call


async def test_a_completion_has_the_order_the_usage_and_the_seconds_it_held(start: Start) -> None:
    replica = await (await start()).loaded()
    asked = replica.ask()
    await replica.clock.advance(0.5)
    called = await asked
    body = called.json()
    assert isinstance(body, dict)
    assert called.status == 200
    assert content(called) == ORDER
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["completion_tokens"] == 40
    assert body["usage"]["total_tokens"] == 40 + body["usage"]["prompt_tokens"]
    assert float(called.headers["x-sequence-seconds"]) == pytest.approx(0.40 * (1 + 0.25 / 16))
    name, _, spent_ms = called.headers["server-timing"].partition(";dur=")
    assert (name, float(spent_ms)) == ("app", pytest.approx(406.25, abs=60.0))
    assert called.headers["x-replica"] == "local-0"


async def test_max_tokens_makes_it_short_and_never_longer_than_full(start: Start) -> None:
    replica = await (await start(slowdown=1.0)).loaded()
    short, long = replica.ask(max_tokens=20), replica.ask(max_tokens=4000)
    await replica.clock.advance(1.0)
    held = [float((await asked).headers["x-sequence-seconds"]) for asked in (short, long)]
    assert held == pytest.approx([0.24, 0.40], abs=1e-5)
    assert content(await short) == ORDER


async def test_a_chat_without_a_drink_gets_null(start: Start) -> None:
    replica = await (await start()).loaded()
    asked = replica.ask("good morning")
    await replica.clock.advance(0.5)
    assert content(await asked) is None


async def test_the_last_user_message_counts_and_may_come_in_parts(start: Start) -> None:
    replica = await (await start()).loaded()
    parts = [{"type": "text", "text": UTTERANCE}]
    messages = [
        {"role": "system", "content": "You take orders."},
        {"role": "user", "content": "one small matcha latte"},
        {"role": "user", "content": parts},
    ]
    asked = replica.ask(messages=messages)
    await replica.clock.advance(0.5)
    assert content(await asked) == ORDER


async def test_a_stream_brings_token_by_token_and_ends_with_done(start: Start) -> None:
    replica = await (await start()).loaded()
    asked = replica.ask(stream=True, stream_options={"include_usage": True})
    await replica.clock.advance(0.5)
    called = await asked
    assert called.headers["content-type"] == "text/event-stream"
    told = events(called)
    deltas = [e["choices"][0]["delta"] for e in told if e["choices"]]  # type: ignore[index]  # JSON
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert json.loads("".join(delta.get("content", "") for delta in deltas)) == ORDER
    assert len(deltas) == 1 + 40 + 1
    assert told[-2]["choices"][0]["finish_reason"] == "stop"  # type: ignore[index]  # JSON
    assert told[-1]["choices"] == []
    assert told[-1]["usage"]["completion_tokens"] == 40  # type: ignore[index]  # JSON


async def test_a_stream_comes_at_the_pace_of_the_batch(start: Start) -> None:
    replica = await (await start(slowdown=1.0)).loaded()
    chunks: list[bytes] = []
    body = json.dumps({"messages": [{"role": "user", "content": UTTERANCE}], "stream": True})
    never = asyncio.Event()
    sent = False

    async def receive() -> dict[str, object]:
        nonlocal sent
        if sent:
            await never.wait()
        sent = True
        return {"type": "http.request", "body": body.encode()}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        if message["type"] == "http.response.body":
            chunks.append(message["body"])

    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}
    task = asyncio.ensure_future(replica.app(scope, receive, send))
    await replica.clock.advance(0.087)
    assert chunks == []
    await replica.clock.advance(0.0015)
    assert len(chunks) == 2  # the role and the first token
    await replica.clock.advance(0.008 * 9)
    assert len(chunks) == 11
    await replica.clock.advance(1.0)
    await task
    assert chunks[-2:] == [b"data: [DONE]\n\n", b""]


async def test_models_are_listed(start: Start) -> None:
    replica = await start()
    listed = (await call(replica.app, "GET", "/v1/models")).json()
    assert isinstance(listed, dict)
    assert [card["id"] for card in listed["data"]] == ["teashop-order-1"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ([], "the body must be an object"),
        ({}, "messages must be"),
        ({"messages": [{"role": "system", "content": "x"}]}, "role user"),
        ({"messages": ["x"]}, "messages[0] must be an object"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}, "max_tokens"),
        ({"messages": [{"role": "user", "content": "x"}], "stream": "yes"}, "stream"),
        ({"messages": [{"role": "user", "content": "x"}], "model": 1}, "model"),
    ],
)
async def test_a_request_that_cannot_be_read_is_told_why(
    start: Start, body: object, sentence: str
) -> None:
    replica = await (await start()).loaded()
    called = await call(replica.app, "POST", "/v1/chat/completions", body=body)
    told = called.json()
    assert called.status == 400
    assert isinstance(told, dict)
    assert sentence in told["detail"]


async def test_headers_that_cannot_be_read_are_no_reason_to_refuse(start: Start) -> None:
    replica = await (await start()).loaded()
    asked = replica.ask(headers={"X-Request-Timeout-Ms": "soon", "X-Criticality": "very"})
    await replica.clock.advance(0.5)
    assert (await asked).status == 200
