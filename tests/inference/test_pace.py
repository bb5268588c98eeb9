"""How fast the mock LLM server serves, what its metrics say of it, and what CPU it burns."""

import asyncio

import pytest
from tests.inference.conftest import Replica, Start

from teashop.serving.testing import Called, call


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
