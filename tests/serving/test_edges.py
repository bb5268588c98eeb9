"""Faults between services, suffered by the real client towards real servers."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from tests.serving.conftest import ON

from teashop.serving.admin import AdminApp
from teashop.serving.client import Unavailable
from teashop.serving.clock import SystemClock, VirtualClock
from teashop.serving.discovery import FileDiscovery
from teashop.serving.edges import EdgeFault, EdgeFaults
from teashop.serving.faults import Faults
from teashop.serving.names import Names
from teashop.serving.testing import call

QUICK = {"timeout_s": 0.4, "connect_timeout_s": 0.1}


def outcome(registry: CollectorRegistry, name: str) -> float:
    labels = {"target": "orders", "outcome": name}
    return registry.get_sample_value("teashop_attempts_total", labels) or 0.0


async def until(done, bound_s: float = 10.0) -> None:
    clock = SystemClock()
    end_s = clock.now() + bound_s
    while not done():
        assert clock.now() < end_s, "not in time"
        await clock.sleep(0.01)


async def test_latency_delays_this_edge_and_is_seen_in_the_callers_own_histogram(
    backend, another, make_client, edges
):
    client, registry = await make_client(
        {"orders": [backend.address], "inference": [another.address]}
    )
    edges.set(EdgeFault(to="orders", kind="latency", latency_s=0.3))
    clock = SystemClock()
    began_s = clock.now()
    assert (await client.request("orders", "GET", "/x")).status == 200
    assert clock.now() - began_s >= 0.3
    await client.request("inference", "GET", "/x")
    sums = {
        to: registry.get_sample_value("teashop_attempt_seconds_sum", {"target": to})
        for to in ("orders", "inference")
    }
    assert sums["orders"] >= 0.3 > sums["inference"]


async def test_latency_beyond_the_callers_time_is_a_missed_deadline_and_never_arrives(
    backend, make_client, edges
):
    client, registry = await make_client({"orders": [backend.address]}, retries=0, **QUICK)
    edges.set(EdgeFault(to="orders", kind="latency", latency_s=5.0))
    with pytest.raises(Unavailable) as late:
        await client.request("orders", "GET", "/x")
    assert late.value.reason == "deadline"
    assert not backend.seen
    assert outcome(registry, "deadline") == 1


async def test_errors_come_from_the_way_and_not_from_the_callee(backend, make_client, edges):
    client, registry = await make_client({"orders": [backend.address]}, retries=0)
    edges.set(EdgeFault(to="orders", kind="errors", status=502))
    answer = await client.request("orders", "GET", "/x")
    assert (answer.status, answer.refused) == (502, False)
    assert not backend.seen
    assert outcome(registry, "error") == 1


async def test_a_partition_swallows_what_stands_and_keeps_new_connections_from_being_made(
    backend, make_client, edges
):
    client, registry = await make_client({"orders": [backend.address]}, retries=0, **QUICK)
    await client.request("orders", "GET", "/x")
    edges.set(EdgeFault(to="orders", kind="partition"))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await client.request("orders", "GET", "/x")
    # The one connection in the pool cost a whole time-out and is gone; the next cannot be made.
    assert (outcome(registry, "deadline"), outcome(registry, "connect")) == (1, 1)
    assert len(backend.seen) == 1
    edges.clear()
    assert (await client.request("orders", "GET", "/x")).status == 200
    assert len(backend.connections) == 2


async def test_a_partition_that_ends_in_time_lets_what_was_sent_through(
    backend, make_client, edges
):
    client, _ = await make_client({"orders": [backend.address]}, timeout_s=30.0)
    await client.request("orders", "GET", "/x")
    edges.set(EdgeFault(to="orders", kind="partition"))
    asked = asyncio.create_task(client.request("orders", "GET", "/x"))
    await SystemClock().sleep(0.1)
    assert not asked.done()
    assert len(backend.seen) == 1
    edges.clear()
    assert (await asked).status == 200
    assert len(backend.connections) == 1


@pytest.mark.parametrize(("kind", "reason"), [("partition", "deadline"), ("refuse", "dependency")])
async def test_an_answer_under_way_does_not_pass_a_cut(backend, make_client, edges, kind, reason):
    client, _ = await make_client({"orders": [backend.address]}, retries=0, timeout_s=0.5)
    backend.script = lambda n: None
    asked = asyncio.create_task(client.request("orders", "GET", "/x"))
    await until(lambda: backend.seen)
    edges.set(EdgeFault(to="orders", kind=kind))
    backend.hang.set()
    with pytest.raises(Unavailable) as gone:
        await asked
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
    backend, another, make_client, edges
):
    client, _ = await make_client({"orders": [backend.address, another.address]})
    edges.set(EdgeFault(to="orders", kind="refuse", endpoint=backend.address))
    for _ in range(20):
        assert (await client.request("orders", "GET", "/x")).status == 200
    assert not backend.seen
    assert len(another.seen) == 20


async def test_a_partition_opens_the_breaker_which_closes_after_it(backend, make_client, edges):
    client, registry = await make_client({"orders": [backend.address]}, retries=0, **QUICK)
    edges.set(EdgeFault(to="orders", kind="partition"))
    reasons = set()
    for _ in range(20):
        with pytest.raises(Unavailable) as gone:
            await client.request("orders", "GET", "/x")
        reasons.add(gone.value.reason)
    assert reasons == {"dependency", "breaker"}
    assert registry.get_sample_value("teashop_breakers_open", {"target": "orders"}) == 1
    edges.clear()

    async def served() -> bool:
        try:
            return (await client.request("orders", "GET", "/x")).status == 200
        except Unavailable:
            return False

    end_s = SystemClock().now() + 15.0
    while not await served():
        assert SystemClock().now() < end_s
        await SystemClock().sleep(0.05)


async def test_without_a_breaker_a_partition_costs_every_attempt_its_time(
    backend, make_client, edges
):
    client, registry = await make_client(
        {"orders": [backend.address]}, protections=replace(ON, breaker=False), retries=0, **QUICK
    )
    edges.set(EdgeFault(to="orders", kind="partition"))
    for _ in range(12):
        with pytest.raises(Unavailable):
            await client.request("orders", "GET", "/x")
    assert outcome(registry, "connect") == 12


def names_of(tmp_path: Path, **table: list[str]):
    clock = VirtualClock()
    edges = EdgeFaults(clock, random.Random(1))
    registry = CollectorRegistry()
    path = tmp_path / "endpoints.json"
    path.write_text(json.dumps(table))
    names = Names(clock, edges=edges, registry=registry)
    return FileDiscovery(path, clock, names=names), edges, clock, registry, path


def lookups(registry: CollectorRegistry, outcome: str) -> float:
    labels = {"target": "orders", "outcome": outcome}
    return registry.get_sample_value("teashop_lookups_total", labels) or 0.0


async def test_a_name_that_cannot_be_resolved_keeps_its_last_addresses_for_a_while(tmp_path):
    found, edges, clock, registry, path = names_of(tmp_path, orders=["a:1"], inference=["c:3"])
    edges.set(EdgeFault(to="orders", kind="dns", duration_s=60.0))
    path.write_text(json.dumps({"orders": ["b:2"], "inference": ["d:4"]}))
    good = lookups(registry, "ok")
    found.refresh()
    assert (found.endpoints("orders"), found.endpoints("inference")) == (("a:1",), ("d:4",))
    assert (lookups(registry, "failed"), lookups(registry, "ok")) == (1, good)
    await clock.advance(31.0)
    found.refresh()
    assert found.endpoints("orders") == ()
    await clock.advance(30.0)
    found.refresh()
    assert found.endpoints("orders") == ("b:2",)
    assert registry.get_sample_value("teashop_endpoints", {"target": "orders"}) == 1


async def test_a_resolver_that_says_there_is_none_is_believed_at_once(tmp_path):
    found, edges, _, registry, _ = names_of(tmp_path, orders=["a:1"])
    edges.set(EdgeFault(to="orders", kind="dns", answer="none"))
    found.refresh()
    assert found.endpoints("orders") == ()
    assert lookups(registry, "none") == 1
    edges.clear()
    found.refresh()
    assert found.endpoints("orders") == ("a:1",)


def test_a_service_that_leaves_the_file_is_known_no_more(tmp_path):
    found, _, _, _, path = names_of(tmp_path, orders=["a:1"])
    path.write_text("{}")
    found.refresh()
    assert found.endpoints("orders") == ()


async def test_while_its_name_fails_pooled_connections_go_on(
    backend, make_client, edges, tmp_path, monkeypatch
):
    client, registry = await make_client({})
    path = tmp_path / "endpoints.json"
    path.write_text(json.dumps({"orders": [backend.address]}))
    found = FileDiscovery(path, SystemClock(), names=Names(SystemClock(), edges=edges))
    monkeypatch.setattr(client, "_discovery", found)
    await client.request("orders", "GET", "/x")
    edges.set(EdgeFault(to="orders", kind="dns"))
    for _ in range(5):
        found.refresh()
        assert (await client.request("orders", "GET", "/x")).status == 200
    assert len(backend.connections) == 1
    assert outcome(registry, "ok") == 6


async def test_a_fault_ends_by_itself_and_is_counted_while_it_lasts():
    clock = VirtualClock()
    edges = EdgeFaults(clock, random.Random(1))
    edges.set(EdgeFault(to="orders", kind="refuse", duration_s=5.0))
    edges.set(EdgeFault(to="orders", kind="latency", latency_s=1.0, duration_s=9.0))
    assert len(edges.current()) == 2
    assert edges.cut("orders", "a:1") is not None
    assert edges.cut("inference", "a:1") is None
    await clock.advance(5.1)
    assert edges.cut("orders", "a:1") is None
    assert edges.delay_s("orders", "a:1") == 1.0
    await clock.advance(4.0)
    assert not edges.current()
    assert not edges


@given(seed=st.integers(0, 2**31), latency=st.floats(0, 5), jitter=st.floats(0, 5))
def test_jitter_is_drawn_from_the_seed_and_stays_in_its_bounds(seed, latency, jitter):
    def drawn() -> list[float]:
        edges = EdgeFaults(VirtualClock(), random.Random(seed))
        edges.set(EdgeFault(to="x", kind="latency", latency_s=latency, jitter_s=jitter))
        return [edges.delay_s("x", "a:1") for _ in range(20)]

    first = drawn()
    assert first == drawn()
    assert all(latency <= delay_s <= latency + jitter for delay_s in first)


def test_a_share_of_the_requests_is_hit():
    edges = EdgeFaults(VirtualClock(), random.Random(2))
    edges.set(EdgeFault(to="x", kind="errors", share=0.3))
    hits = sum(edges.error("x", "a:1") == 503 for _ in range(1000))
    assert 240 < hits < 360


async def test_the_admin_port_sets_shows_and_clears_them_behind_its_token():
    faults = Faults(VirtualClock(), random.Random(1))
    admin = AdminApp(faults, token="secret")
    body = {"to": "dispatch", "kind": "partition", "duration_s": 20.0}
    assert (await call(admin, "POST", "/faults", body=body)).status == 401
    assert not faults.edges
    headers = {"Authorization": "Bearer secret"}
    shown = await call(admin, "POST", "/faults", body=body, headers=headers)
    edge = {"to": "dispatch", "endpoint": None, "kind": "partition"}
    assert (shown.status, shown.json()) == (200, {"fault": None, "edges": [edge]})
    await call(admin, "DELETE", "/faults", headers=headers)
    assert not faults.edges


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"kind": "hang"}, "kind must be one of latency"),
        ({"kind": "latency", "latency_s": -1}, "latency_s and jitter_s"),
        ({"kind": "errors", "share": 2}, "share must be between"),
        ({"kind": "errors", "status": 200}, "status must be an error"),
        ({"kind": "dns", "answer": "later"}, "answer must be one of"),
        ({"kind": "dns", "endpoint": "a:1"}, "dns takes no endpoint"),
        ({"kind": "refuse", "duration_s": 601}, "duration_s must be above 0"),
        ({"kind": "refuse", "durations": 1}, "did you mean 'duration_s'"),
        ({"kind": "refuse", "to": ""}, "to must name the service"),
    ],
)
async def test_a_fault_that_cannot_be_meant_is_refused_in_a_sentence(bad, said):
    faults = Faults(VirtualClock(), random.Random(1))
    got = await call(AdminApp(faults, token=None), "POST", "/faults", body={"to": "orders"} | bad)
    assert got.status == 400
    assert said in got.json()["detail"]
    assert not faults.edges


async def test_an_answer_is_held_up_though_the_cut_came_after_the_question(
    backend, make_client, edges
):
    client, _ = await make_client({"orders": [backend.address]}, timeout_s=30.0)
    backend.script = lambda n: web.Response(text="late") if backend.hang.is_set() else None
    asked = asyncio.create_task(client.request("orders", "GET", "/x"))
    await until(lambda: backend.seen)
    edges.set(EdgeFault(to="orders", kind="partition"))
    backend.hang.set()
    await SystemClock().sleep(0.1)
    assert not asked.done()
    edges.clear()
    assert (await asked).status == 200
