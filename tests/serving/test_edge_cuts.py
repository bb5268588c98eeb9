"""A way that is cut, suffered by the real client towards real servers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web
from tests.serving.conftest import ON
from tests.serving.edge_parts import QUICK, outcome, until, while_time_goes_on

from teashop.serving.client import Unavailable
from teashop.serving.clock import VirtualClock
from teashop.serving.edges import EdgeFault


@pytest.fixture
def clock() -> VirtualClock:
    """The clients' time stands still: what a cut takes of it, a busy machine does not."""
    return VirtualClock()


async def test_a_partition_swallows_what_stands_and_keeps_new_connections_from_being_made(
    backend, make_client, edges, clock
):
    client, registry = await make_client({"orders": [backend.address]}, retries=0, **QUICK)
    await client.request("orders", "GET", "/x")
    edges.set(EdgeFault(to="orders", kind="partition"))
    with pytest.raises(Unavailable):
        await client.request("orders", "GET", "/x")
    with pytest.raises(Unavailable):
        await while_time_goes_on(clock, client.request("orders", "GET", "/x"))
    # The one connection in the pool cost a whole time-out and is gone; the next cannot be made.
    assert (outcome(registry, "deadline"), outcome(registry, "connect")) == (1, 1)
    assert len(backend.seen) == 1
    edges.clear()
    assert (await client.request("orders", "GET", "/x")).status == 200
    assert len(backend.connections) == 2


async def test_a_partition_that_ends_in_time_lets_what_was_sent_through(
    backend, make_client, edges, clock
):
    client, _ = await make_client({"orders": [backend.address]}, timeout_s=30.0)
    await client.request("orders", "GET", "/x")
    edges.set(EdgeFault(to="orders", kind="partition"))
    asked = asyncio.create_task(client.request("orders", "GET", "/x"))
    await clock.advance(20.0)
    assert not asked.done()
    assert len(backend.seen) == 1
    edges.clear()
    assert (await while_time_goes_on(clock, asked)).status == 200
    assert len(backend.connections) == 1


@pytest.mark.parametrize(("kind", "reason"), [("partition", "deadline"), ("refuse", "dependency")])
async def test_an_answer_under_way_does_not_pass_a_cut(
    backend, make_client, edges, clock, kind, reason
):
    client, _ = await make_client({"orders": [backend.address]}, retries=0)
    backend.script = lambda n: None
    asked = asyncio.create_task(client.request("orders", "GET", "/x"))
    await until(lambda: backend.seen)
    edges.set(EdgeFault(to="orders", kind=kind))
    backend.hang.set()
    with pytest.raises(Unavailable) as gone:
        await while_time_goes_on(clock, asked)
    assert gone.value.reason == reason


async def test_refused_packets_reset_what_stands_and_refuse_what_is_new(
    backend, make_client, edges
):
    client, registry = await make_client({"orders": [backend.address]}, retries=0)
    await client.request("orders", "GET", "/x")
    edges.set(EdgeFault(to="orders", kind="refuse"))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await client.request("orders", "GET", "/x")
    assert (outcome(registry, "lost"), outcome(registry, "connect")) == (1, 1)
    assert len(backend.seen) == 1


async def test_a_cut_to_one_replica_leaves_the_other_to_be_asked(
    backend, another, make_client, edges, clock
):
    client, _ = await make_client({"orders": [backend.address, another.address]})
    edges.set(EdgeFault(to="orders", kind="refuse", endpoint=backend.address))
    for _ in range(20):
        asked = client.request("orders", "GET", "/x")
        assert (await while_time_goes_on(clock, asked)).status == 200
    assert not backend.seen
    assert len(another.seen) == 20


async def test_a_partition_opens_the_breaker_which_closes_after_it(
    backend, make_client, edges, clock
):
    client, registry = await make_client({"orders": [backend.address]}, retries=0, **QUICK)
    edges.set(EdgeFault(to="orders", kind="partition"))
    reasons = set()
    for _ in range(20):
        with pytest.raises(Unavailable) as gone:
            await while_time_goes_on(clock, client.request("orders", "GET", "/x"))
        reasons.add(gone.value.reason)
    assert reasons == {"dependency", "breaker"}
    assert registry.get_sample_value("teashop_breakers_open", {"target": "orders"}) == 1
    edges.clear()

    async def served() -> bool:
        try:
            return (await client.request("orders", "GET", "/x")).status == 200
        except Unavailable:
            return False

    end_s = clock.now() + 15.0
    while not await served():
        assert clock.now() < end_s
        await clock.advance(0.05)


async def test_without_a_breaker_a_partition_costs_every_attempt_its_time(
    backend, make_client, edges, clock
):
    client, registry = await make_client(
        {"orders": [backend.address]}, protections=replace(ON, breaker=False), retries=0, **QUICK
    )
    edges.set(EdgeFault(to="orders", kind="partition"))
    began_s = clock.now()
    for _ in range(12):
        with pytest.raises(Unavailable):
            await while_time_goes_on(clock, client.request("orders", "GET", "/x"))
    assert outcome(registry, "connect") == 12
    assert clock.now() - began_s == pytest.approx(12 * QUICK["connect_timeout_s"], rel=0.06)


async def test_an_answer_is_held_up_though_the_cut_came_after_the_question(
    backend, make_client, edges, clock
):
    client, _ = await make_client({"orders": [backend.address]}, timeout_s=30.0)
    backend.script = lambda n: web.Response(text="late") if backend.hang.is_set() else None
    asked = asyncio.create_task(client.request("orders", "GET", "/x"))
    await until(lambda: backend.seen)
    edges.set(EdgeFault(to="orders", kind="partition"))
    backend.hang.set()
    await until(lambda: clock._sleepers)  # it has the answer, and waits for the cut to end
    await clock.advance(20.0)
    assert not asked.done()
    edges.clear()
    assert (await while_time_goes_on(clock, asked)).status == 200
