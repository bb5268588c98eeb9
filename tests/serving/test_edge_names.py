"""A name that cannot be resolved, and what a client still knows of it."""

from __future__ import annotations

import json
import random
from pathlib import Path

from prometheus_client import CollectorRegistry
from tests.serving.edge_parts import outcome

from teashop.serving.clock import SystemClock, VirtualClock
from teashop.serving.discovery import FileDiscovery
from teashop.serving.edges import EdgeFault, EdgeFaults
from teashop.serving.names import Names


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
