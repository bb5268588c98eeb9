"""Dispatch over HTTP, on a virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from teashop.serving.clock import VirtualClock
from teashop.serving.service import Service
from teashop.serving.settings import Common, Protections
from teashop.serving.testing import Called, call

type Make = Callable[..., tuple[Service, VirtualClock]]


async def assign(app: Service, order_id: str, drinks: int = 1, shop: str = "shop-1") -> Called:
    body = {"order_id": order_id, "shop": shop, "drinks": drinks}
    return await call(app, "POST", "/assignments", body=body)


async def got(app: Service, path: str, query: str = "") -> Any:
    answer = await call(app, "GET", path, query=query)
    assert answer.status == 200
    return answer.json()


async def test_an_assignment_is_created_once_and_repeated_with_200(app_of: Make) -> None:
    app, clock = app_of()
    await app.start()
    first = await assign(app, "o1", 6)
    await clock.advance(3)
    again = await assign(app, "o1", 6)
    assert (first.status, again.status) == (201, 200)
    assert first.json() == again.json()
    assert first.json() == {
        "order_id": "o1",
        "shop": "shop-1",
        "promised_s": pytest.approx(15.2),
        "promised_at": pytest.approx(clock.unix() - 3 + 15.2, abs=0.01),
        "eta_s": pytest.approx(11.0),
    }
    await app.stop()


async def test_two_replicas_share_one_street(app_of: Make) -> None:
    one, clock = app_of()
    other, _ = app_of(clock=clock, name="b")
    await one.start()
    await other.start()
    assert (await assign(one, "o1")).status == 201
    assert (await assign(other, "o1")).status == 200
    await clock.advance(0.3)
    shops = (await got(other, "/shops"))["shops"]
    assert shops[0]["orders_waiting"] + shops[0]["couriers_away"] == 1
    leaders = [
        (await call(app, "GET", "/metrics")).body.count(b"leader 1.0") for app in (one, other)
    ]
    assert leaders == [1, 0]
    await one.stop()
    await clock.advance(0.3)
    assert b"leader 1.0" in (await call(other, "GET", "/metrics")).body
    await other.stop()


async def test_a_promise_is_followed_to_the_door(app_of: Make) -> None:
    app, clock = app_of(pace_variation=0.0)
    await app.start()
    await assign(app, "o1", 6)
    states = []
    for _ in range(3):
        promise = await got(app, "/promises/o1")
        states.append((promise["state"], promise["kept"]))
        assert promise["eta_s"] <= promise["promised_s"]
        await clock.advance(6)
    assert states == [("making", None), ("on_the_way", None), ("delivered", True)]
    assert (await call(app, "GET", "/promises/nobody")).status == 404
    await app.stop()


async def test_a_full_street_refuses_with_reason_and_retry_after(app_of: Make) -> None:
    app, clock = app_of()
    await app.start()
    answers = [await assign(app, f"o{i}", 5) for i in range(20)]
    assert [a.status for a in answers] == [201] * 15 + [503] * 5
    refusal = answers[-1]
    assert refusal.headers["content-type"] == "application/problem+json"
    assert refusal.headers["x-refusal"] == "backpressure"
    assert refusal.headers["x-refused-for"] == "dispatch"
    assert 1 <= int(refusal.headers["retry-after"]) <= 20
    assert (await assign(app, "o3", 5)).status == 200  # accepted before, so still accepted
    quote = await got(app, "/quote", "shop=shop-1")
    assert (quote["accepting"], quote["paused"], quote["state"]) == (False, True, "paused")
    assert quote["retry_after_s"] >= 1
    await clock.advance(7)
    quote = await got(app, "/quote", "shop=shop-1")
    assert (quote["accepting"], quote["retry_after_s"]) == (True, None)
    assert (await assign(app, "late", 5)).status == 201
    await app.stop()


async def test_an_unprotected_street_accepts_all_and_promises_ever_later(app_of: Make) -> None:
    app, clock = app_of(common=Common(service="dispatch", protections=Protections.all_off()))
    await app.start()
    answers = [await assign(app, f"o{i}", 20) for i in range(20)]
    assert {a.status for a in answers} == {201}
    promises: list[Any] = [a.json() for a in answers]
    told = [p["promised_s"] for p in promises]
    assert told == sorted(told)
    await clock.advance(1)
    assert (await got(app, "/notices"))["notices"] == []
    audit = await got(app, "/audit")
    assert [p["shop"] for p in audit["passed"]] == ["shop-1"]
    await app.stop()


async def test_revisions_are_a_feed_of_their_own(app_of: Make) -> None:
    app, _ = app_of()
    await app.start()
    assert (await got(app, "/revisions"))["revisions"] == []
    wrong = await call(app, "GET", "/revisions", query="since=x")
    assert (wrong.status, wrong.json()["reason"]) == (422, "query")
    await app.stop()


async def test_the_feed_warns_before_the_queue_passes_and_can_be_followed(app_of: Make) -> None:
    app, clock = app_of()
    await app.start()
    # Twice what the shop makes: 12 drinks a second against 6.
    for i in range(36):
        await assign(app, f"o{i}", 3)
        await clock.advance(0.25)
    audit = await got(app, "/audit")
    crowd = next(n for n in audit["notices"] if n["kind"] == "crowd")
    assert crowd["audience"] == "merchant"
    assert crowd["shop"] == "shop-1"
    assert crowd["rate_drinks_per_h"] > crowd["capacity_drinks_per_h"] == 360.0
    assert crowd["eta_s"] > 0
    while not audit["passed"]:
        assert (await assign(app, f"more{len(audit['assignments'])}", 3)).status == 201
        await clock.advance(0.25)
        audit = await got(app, "/audit")
    assert audit["passed"][0]["t_unix_s"] - crowd["t_unix_s"] >= 1.0
    later = (await got(app, "/notices", f"since={crowd['id']}"))["notices"]
    assert [n["id"] for n in later] == [n["id"] for n in audit["notices"] if n["id"] > crowd["id"]]
    await app.stop()


async def test_the_audit_accounts_for_every_assignment(app_of: Make) -> None:
    app, clock = app_of()
    await app.start()
    for i in range(6):
        await assign(app, f"o{i}", 2, f"shop-{i % 2 + 1}")
    await clock.advance(40)
    audit = await got(app, "/audit")
    rows = {a["order_id"]: a for a in audit["assignments"]}
    assert set(rows) == {f"o{i}" for i in range(6)}
    assert all(a["kept"] is True and a["revisions"] == 0 for a in rows.values())
    assert all(a["delivered_at"] <= a["promised_at"] for a in rows.values())
    await app.stop()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"drinks": 0}, "drinks"),
        ({"drinks": True}, "drinks"),
        ({"drinks": "3"}, "drinks"),
        ({"order_id": ""}, "order_id"),
        ({"order_id": 7}, "order_id"),
        ({"shop": None}, "shop"),
        ({"placed_s": "now"}, "placed_s"),
    ],
)
async def test_a_bad_body_is_told_its_field(
    app_of: Make, change: dict[str, object], named: str
) -> None:
    app, _ = app_of()
    await app.start()
    body = {"order_id": "o", "shop": "shop-1", "drinks": 1, **change}
    answer = await call(app, "POST", "/assignments", body=body)
    assert answer.status == 422
    problem: Any = answer.json()
    assert named in problem["detail"].lower()
    await app.stop()


async def test_what_is_not_there_or_cannot_be_asked(app_of: Make) -> None:
    app, _ = app_of()
    await app.start()
    assert (await assign(app, "o1", shop="shop-99")).status == 404
    assert (await call(app, "GET", "/quote", query="shop=nowhere")).status == 404
    assert (await call(app, "GET", "/quote", query="shop=shop-1&drinks=x")).status == 422
    assert (await call(app, "GET", "/notices", query="since=yesterday")).status == 422
    assert (await call(app, "POST", "/assignments", body=[1])).status == 422
    await assign(app, "o1", 1)
    assert (await assign(app, "o1", 2)).status == 422
    await app.stop()


async def test_a_caller_that_waits_no_longer_is_not_served(app_of: Make) -> None:
    app, _ = app_of()
    await app.start()
    body = {"order_id": "o", "shop": "shop-1", "drinks": 1}
    spent = {"x-request-timeout-ms": "0"}
    answer = await call(app, "POST", "/assignments", body=body, headers=spent)
    assert (answer.status, answer.headers["x-refusal"]) == (503, "deadline")
    assert (await got(app, "/audit"))["assignments"] == []
    await app.stop()


async def test_without_deadlines_late_work_goes_on(app_of: Make) -> None:
    protections = replace(Protections(), deadlines=False)
    app, _ = app_of(common=Common(service="dispatch", protections=protections))
    await app.start()
    body = {"order_id": "o", "shop": "shop-1", "drinks": 1}
    spent = {"x-request-timeout-ms": "0"}
    assert (await call(app, "POST", "/assignments", body=body, headers=spent)).status == 201
    await app.stop()


async def test_metrics_say_what_happened(app_of: Make) -> None:
    app, clock = app_of()
    await app.start()
    for i in range(20):
        await assign(app, f"o{i}", 5)
    await assign(app, "o1", 5)
    await clock.advance(0.3)
    text = (await call(app, "GET", "/metrics")).body.decode()
    assert 'teashop_assignments_total{outcome="accepted"} 15.0' in text
    assert 'teashop_assignments_total{outcome="paused"} 5.0' in text
    assert 'teashop_assignments_total{outcome="repeated"} 1.0' in text
    assert 'teashop_notices_total{kind="paused"} 1.0' in text
    assert 'teashop_shop_paused{shop="shop-1"} 1.0' in text
    assert 'teashop_shop_queue{shop="shop-2"} 0.0' in text
    assert "teashop_promises_revised_total 0.0" in text
    await app.stop()
