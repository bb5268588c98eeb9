"""Every service's probes, faults, problems and drain."""

from __future__ import annotations

import asyncio
import random

import pytest
from prometheus_client import CollectorRegistry

from teashop.serving.admin import AdminApp
from teashop.serving.asgi import Problem, json_response
from teashop.serving.clock import VirtualClock, settle
from teashop.serving.faults import Fault, Faults
from teashop.serving.router import Router
from teashop.serving.service import Service
from teashop.serving.testing import call


def build(*, ready=lambda: True, token: str | None = None):
    clock = VirtualClock()
    router = Router()

    async def hello(request):
        return json_response(200, {"hello": request.params.get("name", "all")})

    async def breaks(_):
        raise RuntimeError("a defect")

    async def echo(request):
        return json_response(200, {"got": await request.json()})

    router.add("GET", "/hello/{name}", hello)
    router.add("GET", "/breaks", breaks)
    router.add("POST", "/echo", echo)
    faults = Faults(clock, random.Random(1))
    app = Service(
        name="demo",
        replica="demo-0",
        router=router,
        registry=CollectorRegistry(),
        clock=clock,
        faults=faults,
        ready=ready,
    )
    return app, clock, AdminApp(faults, token=token)


async def test_readiness_follows_start_and_drain_and_liveness_does_not():
    app, _, _ = build()
    assert (await call(app, "GET", "/readyz")).json() == {"state": "starting"}
    await app.start()
    assert (await call(app, "GET", "/readyz")).status == 200
    app.drain()
    gone = await call(app, "GET", "/readyz")
    assert (gone.status, gone.json()) == (503, {"state": "draining"})
    assert (await call(app, "GET", "/livez")).status == 200
    assert (await call(app, "GET", "/hello/you")).json() == {"hello": "you"}


async def test_metrics_tell_readiness():
    app, _, _ = build()
    await app.start()
    assert b"teashop_ready 1.0" in (await call(app, "GET", "/metrics")).body


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", "/nowhere", b"", 404, "path"),
        ("DELETE", "/echo", b"", 405, "method"),
        ("POST", "/hello/you", b"", 405, "method"),
        ("POST", "/echo", b"{", 400, "json"),
        ("POST", "/echo", b"[" + b"1," * 40_000 + b"1]", 413, "body"),
        ("GET", "/breaks", b"", 500, "internal"),
    ],
)
async def test_errors_are_problem_details(method, path, body, status, reason):
    app, _, _ = build()
    got = await call(app, method, path, body=body)
    assert (got.status, got.json()["reason"]) == (status, reason)
    assert got.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in got.body.decode()


def test_a_refusal_names_itself_and_rounds_its_retry_after_up_to_a_second():
    refusal = Problem(503, "limit", "Full.", retry_after_s=0, refused_for="inference").response()
    headers = dict(refusal.headers)
    assert headers[b"retry-after"] == b"1"
    assert headers[b"x-refusal"] == b"limit"
    assert headers[b"x-refused-for"] == b"inference"


async def test_injected_errors_hit_requests_and_never_probes_and_end_by_themselves():
    app, clock, admin = build()
    await app.start()
    body = {"kind": "errors", "status": 502, "duration_s": 5.0}
    assert (await call(admin, "POST", "/faults", body=body)).status == 200
    assert (await call(app, "GET", "/hello/you")).status == 502
    assert (await call(app, "GET", "/readyz")).status == 200
    await clock.advance(5.1)
    assert (await call(app, "GET", "/hello/you")).status == 200


async def test_injected_latency_is_waited_out_on_the_clock():
    app, clock, admin = build()
    await call(admin, "POST", "/faults", body={"kind": "latency", "latency_s": 2.0})
    answer = asyncio.create_task(call(app, "GET", "/hello/you"))
    await settle()
    assert not answer.done()
    await clock.advance(2.1)
    assert (await answer).status == 200


async def test_a_hang_lets_go_when_it_is_cleared():
    app, clock, admin = build()
    await call(admin, "POST", "/faults", body={"kind": "hang"})
    answer = asyncio.create_task(call(app, "GET", "/hello/you"))
    await clock.advance(3)
    assert not answer.done()
    await call(admin, "DELETE", "/faults")
    await clock.advance(0.2)
    assert (await answer).status == 200


async def test_the_admin_port_wants_its_token():
    _, _, admin = build(token="secret")
    assert (await call(admin, "GET", "/faults")).status == 401
    allowed = await call(admin, "GET", "/faults", headers={"Authorization": "Bearer secret"})
    assert (allowed.status, allowed.json()) == (200, {"fault": None, "edges": []})
    # The API server's proxy keeps Authorization for itself, or brings its own.
    through = {"X-Admin-Authorization": "Bearer secret", "Authorization": "Bearer another"}
    assert (await call(admin, "GET", "/faults", headers=through)).status == 200
    through["X-Admin-Authorization"] = "Bearer wrong"
    assert (await call(admin, "GET", "/faults", headers=through)).status == 401


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "fire"},
        {"kind": "errors", "share": 2},
        {"kind": "errors", "status": 200},
        {"kind": "latency", "latency_s": -1},
        {"kind": "hang", "duration_s": 0},
        {"kind": "hang", "durations": 3},
        [],
    ],
)
async def test_a_fault_that_cannot_be_meant_is_refused(bad):
    _, _, admin = build()
    assert (await call(admin, "POST", "/faults", body=bad)).status == 400


def test_a_share_of_requests_is_hit():
    clock = VirtualClock()
    faults = Faults(clock, random.Random(2))
    faults.set(Fault(kind="errors", share=0.3))

    async def hits() -> int:
        count = 0
        for _ in range(1000):
            try:
                await faults.apply()
            except Problem:
                count += 1
        return count

    assert 240 < asyncio.run(hits()) < 360
