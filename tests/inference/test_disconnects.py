"""What becomes of the work of a client that went."""

import asyncio

import pytest
from tests.inference.conftest import Replica, Start

from teashop.serving.settings import Protections

OFF = Protections.all_off()


async def left_early(replica: Replica, *, stream: bool) -> None:
    """A client asks, and goes after 50 ms."""
    gone = asyncio.Event()
    asked = replica.ask(stream=stream, disconnect=gone)
    await replica.clock.advance(0.05)
    gone.set()
    await replica.clock.advance(0.05)
    assert (await asked).status == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_frees_its_slot(start: Start, *, stream: bool) -> None:
    replica = await (await start()).loaded()
    await left_early(replica, stream=stream)
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
    await left_early(replica, stream=stream)
    assert replica.value("vllm:num_requests_running") == 1
    await replica.clock.advance(1.0)
    spent = replica.value("teashop_sequence_seconds_total", outcome="orphaned")
    assert spent == pytest.approx(0.40 * (1 + 0.25 / 16), abs=1e-3)
