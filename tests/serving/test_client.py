"""The outgoing client against real sockets: retries, deadlines, breaker, discovery."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from tests.serving.conftest import LOST, ON

from teashop.serving.client import Answer, Unavailable
from teashop.serving.clock import SystemClock, VirtualClock
from teashop.serving.discovery import FileDiscovery
from teashop.serving.settings import Protections


def refusal() -> web.Response:
    return web.Response(status=503, headers={"X-Refusal": "limit", "Retry-After": "3"})


async def test_an_answer_comes_back_with_its_headers(backend, make_client):
    client, _ = await make_client({"orders": [backend.address]})
    answer = await client.request("orders", "GET", "/x")
    assert (answer.status, answer.body) == (200, b"fine")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("app;dur=450.5", 0.4505), ("", None), ("app", None), ("app;dur=x", None), ("db;dur=1", None)],
)
def test_an_answer_may_say_how_long_it_took_to_make(said: str, seconds: float | None):
    assert Answer(200, b"", {"Server-Timing": said}).served_s == seconds


async def test_errors_are_tried_again_and_counted(backend, make_client):
    client, registry = await make_client({"orders": [backend.address]})
    backend.script = lambda n: web.Response(status=500 if n == 1 else 200)
    assert (await client.request("orders", "GET", "/x")).status == 200
    assert registry.get_sample_value("teashop_retries_total", {"target": "orders"}) == 1


async def test_a_refusal_is_an_answer_and_not_tried_again(backend, make_client):
    client, _ = await make_client({"orders": [backend.address]})
    backend.script = lambda n: refusal()
    answer = await client.request("orders", "GET", "/x")
    assert answer.refused
    assert len(backend.seen) == 1


async def test_unprotected_errors_are_tried_a_fixed_number_of_times(backend, make_client):
    client, _ = await make_client(
        {"orders": [backend.address]}, protections=Protections.all_off(), retries=2
    )
    backend.script = lambda n: web.Response(status=500)
    assert (await client.request("orders", "GET", "/x")).status == 500
    assert len(backend.seen) == 3


async def test_the_retry_budget_bounds_amplification(backend, make_client):
    client, _ = await make_client(
        {"orders": [backend.address]}, protections=replace(ON, breaker=False)
    )
    backend.script = lambda n: web.Response(status=500)
    for _ in range(200):
        await client.request("orders", "GET", "/x")
    assert len(backend.seen) < 200 * 1.5


async def test_the_remaining_time_travels_and_bounds_the_attempt(backend, make_client):
    client, _ = await make_client({"orders": [backend.address]})
    clock = SystemClock()
    await client.request("orders", "GET", "/x", deadline_s=clock.now() + 5)
    assert 2000 < int(backend.seen[0]["X-Request-Timeout-Ms"]) <= 5000
    backend.script = lambda n: None
    with pytest.raises(Unavailable) as late:
        await client.request("orders", "GET", "/x", deadline_s=clock.now() + 0.1)
    assert late.value.reason == "deadline"


async def test_without_the_protection_no_deadline_travels(backend, make_client):
    client, _ = await make_client(
        {"orders": [backend.address]}, protections=replace(ON, deadlines=False)
    )
    await client.request("orders", "GET", "/x", deadline_s=SystemClock().now() + 5)
    assert "X-Request-Timeout-Ms" not in backend.seen[0]


async def test_a_dead_endpoint_costs_a_retry_on_the_living_one(backend, make_client):
    client, _ = await make_client({"orders": ["127.0.0.1:1", backend.address]})
    for _ in range(20):
        assert (await client.request("orders", "GET", "/x")).status == 200


async def test_no_endpoint_at_all_is_said_at_once(make_client):
    client, _ = await make_client({})
    with pytest.raises(Unavailable) as gone:
        await client.request("orders", "GET", "/x")
    assert gone.value.reason == "dependency"


async def test_a_breaker_opens_on_a_dead_endpoint_and_is_shown(make_client):
    client, registry = await make_client({"orders": ["127.0.0.1:1"]})
    reasons = set()
    for _ in range(60):
        with pytest.raises(Unavailable) as gone:
            await client.request("orders", "GET", "/x")
        reasons.add(gone.value.reason)
    assert "breaker" in reasons
    assert registry.get_sample_value("teashop_breakers_open", {"target": "orders"}) == 1


async def test_what_may_have_arrived_is_not_sent_twice_unless_idempotent(backend, make_client):
    client, _ = await make_client({"orders": [backend.address]})
    backend.script = lambda n: LOST
    for idempotent, arrivals in ((False, 1), (True, 2)):
        backend.seen.clear()
        with pytest.raises(Unavailable):
            await client.request("orders", "POST", "/x", idempotent=idempotent, attempts=2)
        assert len(backend.seen) == arrivals


def test_a_watched_file_is_followed_and_a_broken_one_leaves_the_last_table(tmp_path: Path):
    path = tmp_path / "endpoints.json"
    path.write_text('{"orders": ["a:1"]}')
    found = FileDiscovery(path, VirtualClock())
    assert found.endpoints("orders") == ("a:1",)
    new = tmp_path / "new"
    new.write_text('{"orders": ["b:2"]}')
    new.replace(path)
    found.refresh()
    assert found.endpoints("orders") == ("b:2",)
    for broken in ("{", "[]", '{"orders": 3}'):
        new.write_text(broken)
        new.replace(path)
        found.refresh()
        assert found.endpoints("orders") == ("b:2",)
    path.unlink()
    found.refresh()
    assert found.endpoints("orders") == ("b:2",)
    assert found.endpoints("nobody") == ()
