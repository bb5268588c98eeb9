"""Faults between services: latency and errors, how a fault is set, ends and is refused."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serving.edge_parts import QUICK, outcome, while_time_goes_on

from teashop.serving.admin import AdminApp
from teashop.serving.client import Unavailable
from teashop.serving.clock import VirtualClock
from teashop.serving.edges import EdgeFault, EdgeFaults
from teashop.serving.faults import Faults
from teashop.serving.testing import call


@pytest.fixture
def clock() -> VirtualClock:
    """The clients' time stands still."""
    return VirtualClock()


async def test_latency_delays_this_edge_and_is_seen_in_the_callers_own_histogram(
    backend, another, make_client, edges, clock
):
    client, registry = await make_client(
        {"orders": [backend.address], "inference": [another.address]}
    )
    edges.set(EdgeFault(to="orders", kind="latency", latency_s=0.25))
    began_s = clock.now()
    asked = client.request("orders", "GET", "/x")
    assert (await while_time_goes_on(clock, asked)).status == 200
    assert clock.now() - began_s >= 0.25
    await client.request("inference", "GET", "/x")
    sums = {
        to: registry.get_sample_value("teashop_attempt_seconds_sum", {"target": to})
        for to in ("orders", "inference")
    }
    assert sums["orders"] >= 0.25 > sums["inference"]


async def test_latency_beyond_the_callers_time_is_a_missed_deadline_and_never_arrives(
    backend, make_client, edges, clock
):
    client, registry = await make_client({"orders": [backend.address]}, retries=0, **QUICK)
    edges.set(EdgeFault(to="orders", kind="latency", latency_s=5.0))
    with pytest.raises(Unavailable) as late:
        await while_time_goes_on(clock, client.request("orders", "GET", "/x"))
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
