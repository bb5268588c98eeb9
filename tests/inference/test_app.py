"""The mock LLM server over ASGI: answers, streams, refusals, disconnects, start-up, metrics."""

import asyncio
import json
from dataclasses import replace
from random import Random

import pytest
from tests.inference.conftest import ORDER, UTTERANCE, Replica, Start

from teashop.catalog.utterances import draw
from teashop.inference.answers import answer, pieces
from teashop.inference.settings import InferenceSettings
from teashop.serving.settings import Protections, SettingsError, load
from teashop.serving.testing import Called, call

OFF = Protections.all_off()


def content(called: Called) -> object:
    """The order in an answer that is not streamed."""
    body = called.json()
    assert isinstance(body, dict)
    told: object = json.loads(body["choices"][0]["message"]["content"])
    return told


def reason(called: Called) -> object:
    body = called.json()
    assert isinstance(body, dict)
    return body["reason"]


def events(called: Called) -> list[dict[str, object]]:
    """The JSON events of a stream, which must end in [DONE]."""
    lines = [line.removeprefix("data: ") for line in called.body.decode().split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


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


async def test_a_full_queue_refuses_with_the_backlogs_time(start: Start) -> None:
    replica = await (await start(max_num_seqs=1, max_waiting=9)).loaded()
    tasks = [replica.ask() for _ in range(10)]
    refused = replica.ask()
    await replica.clock.advance(0.0)
    called = await refused
    assert called.status == 503
    assert reason(called) == called.headers["x-refusal"] == "queue_full"
    assert called.headers["x-refused-for"] == "inference"
    assert 5 <= int(called.headers["retry-after"]) <= 7  # ten times half a second, and jitter
    assert replica.value("vllm:num_requests_waiting") == 9
    assert replica.value("teashop_inference_refused_total", reason="queue_full") == 1
    await replica.clock.advance(6.0)
    assert {(await task).status for task in tasks} == {200}


async def test_the_more_important_takes_the_place_in_a_full_queue(start: Start) -> None:
    replica = await (await start(max_num_seqs=1, max_waiting=1)).loaded()
    first, waiting = replica.ask(), replica.ask(headers={"X-Criticality": "sheddable"})
    await replica.clock.advance(0.0)
    urgent = replica.ask(headers={"X-Criticality": "critical"})
    await replica.clock.advance(2.0)
    assert (await waiting).status == 503
    assert reason(await waiting) == "queue_full"
    assert [(await first).status, (await urgent).status] == [200, 200]


async def test_a_deadline_drops_what_waits_with_503_and_what_runs_with_504(start: Start) -> None:
    replica = await (await start(max_num_seqs=2)).loaded()
    running = replica.ask(headers={"X-Request-Timeout-Ms": "460"})
    await replica.clock.advance(0.0)  # alone, it would take 0.45 s
    patient = replica.ask()
    waiting = replica.ask(headers={"X-Request-Timeout-Ms": "480"})
    hopeless = replica.ask(headers={"X-Request-Timeout-Ms": "100"})
    await replica.clock.advance(0.0)
    called = await hopeless
    assert (called.status, reason(called)) == (503, "deadline")
    assert int(called.headers["retry-after"]) >= 1
    await replica.clock.advance(1.0)
    assert [(await task).status for task in (running, waiting, patient)] == [504, 503, 200]
    assert reason(await running) == reason(await waiting) == "deadline"
    spent = replica.value("teashop_sequence_seconds_total", outcome="expired")
    assert spent == pytest.approx(0.46, abs=1e-3)
    assert replica.value("vllm:request_success_total", finished_reason="abort") == 3


async def test_a_stream_says_when_its_deadline_passed(start: Start) -> None:
    replica = await (await start(max_num_seqs=2)).loaded()
    asked = replica.ask(stream=True, headers={"X-Request-Timeout-Ms": "460"})
    await replica.clock.advance(0.0)
    fuller = replica.ask()
    refused = replica.ask(stream=True, headers={"X-Request-Timeout-Ms": "450"})
    await replica.clock.advance(1.0)
    assert (await fuller).status == 200
    assert (await refused).status == 503
    called = await asked
    assert called.status == 200
    assert b'"type":"deadline"' in called.body
    assert b"[DONE]" not in called.body


async def test_some_of_the_budget_is_kept_for_the_way_back(start: Start) -> None:
    replica = await (await start(slowdown=1.0, deadline_margin_s=0.05)).loaded()
    tight = replica.ask(headers={"X-Request-Timeout-Ms": "440"})
    enough = replica.ask(headers={"X-Request-Timeout-Ms": "460"})
    await replica.clock.advance(0.5)
    assert [(await tight).status, (await enough).status] == [503, 200]


async def test_without_deadlines_late_work_is_done_all_the_same(start: Start) -> None:
    replica = await (await start(protections=OFF)).loaded()
    asked = replica.ask(headers={"X-Request-Timeout-Ms": "10"})
    await replica.clock.advance(0.5)
    assert (await asked).status == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_frees_its_slot(start: Start, *, stream: bool) -> None:
    replica = await (await start()).loaded()
    gone = asyncio.Event()
    asked = replica.ask(stream=stream, disconnect=gone)
    await replica.clock.advance(0.05)
    gone.set()
    await replica.clock.advance(0.05)
    assert (await asked).status == 0
    assert replica.value("vllm:num_requests_running") == 0
    spent = replica.value("teashop_sequence_seconds_total", outcome="abandoned")
    assert spent == pytest.approx(0.05, abs=1e-3)


async def test_a_client_that_goes_in_mid_stream_frees_its_slot(start: Start) -> None:
    replica = await (await start()).loaded()
    gone = asyncio.Event()
    asked = replica.ask(stream=True, disconnect=gone)
    await replica.clock.advance(0.2)
    assert replica.value("vllm:num_requests_running") == 1
    gone.set()
    await replica.clock.advance(0.05)
    await asked
    assert replica.value("vllm:num_requests_running") == 0
    assert replica.value("teashop_sequences_total", outcome="abandoned") == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_without_deadlines_the_work_of_a_client_that_went_is_wasted(
    start: Start, *, stream: bool
) -> None:
    replica = await (await start(protections=OFF)).loaded()
    gone = asyncio.Event()
    asked = replica.ask(stream=stream, disconnect=gone)
    await replica.clock.advance(0.05)
    gone.set()
    await replica.clock.advance(0.05)
    assert (await asked).status == 0
    assert replica.value("vllm:num_requests_running") == 1
    await replica.clock.advance(1.0)
    spent = replica.value("teashop_sequence_seconds_total", outcome="orphaned")
    assert spent == pytest.approx(0.40 * (1 + 0.25 / 16), abs=1e-3)


async def test_not_ready_and_no_answers_until_the_model_is_loaded(start: Start) -> None:
    replica = await start(startup_s=3.0)
    await replica.clock.advance(2.9)
    assert (await call(replica.app, "GET", "/readyz")).status == 503
    assert (await call(replica.app, "GET", "/livez")).status == 200
    early = await replica.ask()
    assert (early.status, early.headers["x-refusal"]) == (503, "dependency")
    await replica.clock.advance(0.2)
    assert (await call(replica.app, "GET", "/readyz")).status == 200
    asked = replica.ask()
    await replica.clock.advance(0.5)
    assert (await asked).status == 200


async def test_stopping_answers_whoever_still_waits(start: Start) -> None:
    replica = await (await start()).loaded()
    asked = replica.ask()
    await replica.clock.advance(0.1)
    await replica.app.stop()
    called = await asked
    assert (called.status, reason(called)) == (503, "draining")


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


async def test_the_metrics_bear_the_names_of_vllm(start: Start) -> None:
    replica = await (await start()).loaded()
    tasks = [replica.ask() for _ in range(20)]
    await replica.clock.advance(0.1)
    assert replica.value("vllm:num_requests_running") == 16
    assert replica.value("vllm:num_requests_waiting") == 4
    await replica.clock.advance(2.0)
    await asyncio.gather(*tasks)
    assert replica.value("vllm:request_success_total", finished_reason="stop") == 20
    assert replica.value("vllm:generation_tokens_total") == 800
    assert replica.value("vllm:prompt_tokens_total") > 20
    for name in ("time_to_first_token", "time_per_output_token", "e2e_request_latency"):
        assert replica.value(f"vllm:{name}_seconds_count") == 20
    tpot_s = replica.value("vllm:time_per_output_token_seconds_sum") / 20
    assert 0.008 < tpot_s <= 0.010
    assert replica.value("vllm:time_to_first_token_seconds_sum") / 20 >= 0.088
    exposed = (await call(replica.app, "GET", "/metrics")).body.decode()
    assert 'vllm:num_requests_running{model_name="teashop-order-1"} 0.0' in exposed


async def test_the_served_rate_at_saturation_is_the_capacity_of_theory(start: Start) -> None:
    replica = await (await start(max_waiting=32)).loaded()
    tasks: list[asyncio.Task[Called]] = []
    for _ in range(200):  # 5 s at 40/s where theory says 32/s
        tasks.append(replica.ask())
        await replica.clock.advance(0.025)
    served = replica.value("vllm:request_success_total", finished_reason="stop")
    assert served / 4.6 == pytest.approx(32, rel=0.06)  # the first finish after 0.4 s
    await replica.clock.advance(5.0)
    assert {(await task).status for task in tasks} <= {200, 503}


async def test_one_timer_serves_the_whole_batch(start: Start) -> None:
    replica = await (await start()).loaded()
    tasks = [replica.ask() for _ in range(200)]
    for _ in range(20):
        await replica.clock.advance(0.05)
        armed = [woken for _, _, woken in replica.clock._sleepers if not woken.done()]
        assert len(armed) <= 2, "the batch's and the burner's"
    await replica.clock.advance(10.0)
    await asyncio.gather(*tasks)
    assert replica.value("teashop_sequences_total", outcome="finished") == 200


async def test_a_short_answer_that_comes_in_between_is_not_kept_waiting(start: Start) -> None:
    replica = await (await start(slowdown=1.0, burn_share=0.0)).loaded()
    long = replica.ask()
    await replica.clock.advance(0.01)
    short = replica.ask(max_tokens=1)
    await replica.clock.advance(0.089)  # before the burner looks at the batch again
    assert (short.done(), long.done()) == (True, False)
    await replica.clock.advance(0.5)
    assert [(await short).status, (await long).status] == [200, 200]


async def burned_per_second(replica: Replica, sequences: int) -> float:
    tasks = [replica.ask() for _ in range(sequences)]
    before = replica.value("teashop_burned_cpu_seconds")
    began_s = replica.value("teashop_sequence_seconds_total", outcome="finished")
    await replica.clock.advance(2.0)
    await asyncio.gather(*tasks)
    spent = replica.value("teashop_sequence_seconds_total", outcome="finished") - began_s
    return (replica.value("teashop_burned_cpu_seconds") - before) / (spent / 16)


async def test_cpu_is_burned_in_proportion_to_the_running_batch(start: Start) -> None:
    replica = await (await start(burn_share=0.2)).loaded()
    for sequences in (16, 8):
        assert await burned_per_second(replica, sequences) == pytest.approx(0.2, rel=0.1)
    idle = replica.value("teashop_burned_cpu_seconds")
    await replica.clock.advance(10.0)
    assert replica.value("teashop_burned_cpu_seconds") == idle


def test_answers_depend_on_the_seed_and_the_utterance_only() -> None:
    rng = Random(2)
    utterances = [draw(rng) for _ in range(1000)]
    right = [json.dumps(u.truth.to_json(), separators=(",", ":")) for u in utterances]
    assert [answer(u.text, seed=1, error_share=0.0) for u in utterances] == right

    def wrong(seed: int) -> set[int]:
        told = [answer(u.text, seed=seed, error_share=0.1) for u in utterances]
        return {i for i, said in enumerate(told) if said != right[i]}

    assert 60 < len(wrong(1)) < 140
    assert wrong(1) == wrong(1) != wrong(2)


def test_pieces_make_up_the_content() -> None:
    for tokens in (1, 7, 40, 200):
        parts = list(pieces('{"drink": 1}', tokens))
        assert (len(parts), "".join(parts)) == (tokens, '{"drink": 1}')


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_num_seqs", 0),
        ("max_waiting", -1),
        ("itl_s", 0.0),
        ("ttft_s", -0.1),
        ("slowdown", 0.5),
        ("error_share", 1.5),
        ("burn_share", 2.0),
        ("model", ""),
    ],
)
def test_settings_refuse_what_cannot_be_meant(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        replace(InferenceSettings(), **{field: value})  # type: ignore[arg-type]  # by name
    with pytest.raises(SettingsError, match=f"settings.json.*{field}"):
        load(InferenceSettings, {field: value}, "settings.json")
