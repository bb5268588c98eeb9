"""When the mock LLM server does not answer: a full queue, a deadline, a start, an end."""

import pytest
from tests.inference.conftest import Start
from tests.inference.told import reason

from teashop.serving.settings import Protections
from teashop.serving.testing import call

OFF = Protections.all_off()


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
