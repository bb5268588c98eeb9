"""A chat when many come at once: the limit, the queue, the threshold, and the shop without them."""

from __future__ import annotations

import asyncio

from tests.gateway.chats import OFF, answered_after, only
from tests.gateway.conftest import MakeShop, ai_answer, refused

from teashop.serving.clock import settle


async def test_the_limit_bounds_what_inference_holds_and_the_queue_what_waits(
    make_shop: MakeShop,
):
    gate = asyncio.Event()
    held = answered_after(gate, ai_answer)
    shop = make_shop(
        held,
        protections=only(admission=True),
        ai_limit_initial=3,
        ai_limit_min=1,
        ai_limit_max=3,
        ai_queue=2,
    )
    tasks = [asyncio.create_task(shop.chat(f"wish {i}")) for i in range(9)]
    await settle(50)
    assert len(shop.client.asked) == 3
    refused_now = [t.result() for t in tasks if t.done()]
    assert [r.headers["x-refusal"] for r in refused_now] == ["queue_full"] * 4
    gate.set()
    served = await asyncio.gather(*tasks)
    assert sum(r.status == 200 for r in served) == 5


async def test_what_shedding_hides_from_cpu_is_exported(make_shop: MakeShop):
    gate = asyncio.Event()
    shop = make_shop(
        answered_after(gate, ai_answer),
        protections=only(admission=True),
        ai_limit_initial=3,
        ai_limit_min=1,
        ai_limit_max=3,
        ai_queue=2,
    )
    await shop.app.start()
    tasks = [asyncio.create_task(shop.chat(f"wish {i}")) for i in range(9)]
    await settle(50)
    await shop.clock.advance(0.2)
    chat = {"route": "chat", "criticality": "sheddable_plus"}
    assert shop.value("teashop_offered_total", **chat) == 9
    assert shop.value("teashop_admitted_total", **chat) == 9
    why = {"reason": "queue_full", "refused_for": "inference"}
    assert shop.value("teashop_refused_total", **chat, **why) == 4
    room = {"dependency": "inference"}
    assert shop.value("teashop_in_flight", **room) == 3
    assert shop.value("teashop_queue", **room) == 2
    assert shop.value("teashop_limit", **room) == 3
    gate.set()
    await asyncio.gather(*tasks)
    await shop.app.stop()


async def test_who_waits_too_long_steps_down_instead_of_waiting_on(make_shop: MakeShop):
    gate = asyncio.Event()
    held = answered_after(gate, ai_answer)
    shop = make_shop(
        held,
        protections=only(admission=True, ladder=True),
        ai_limit_initial=1,
        ai_limit_min=1,
        ai_limit_max=1,
        ai_wait_s=0.4,
    )
    first = asyncio.create_task(shop.chat("first"))
    waits = asyncio.create_task(shop.chat("second"))
    await settle(50)
    assert not waits.done()
    await shop.clock.advance(0.5)
    assert (await waits).headers["x-degradation"] == "menu"
    gate.set()
    assert (await first).headers["x-degradation"] == "full"


async def test_unprotected_everything_is_sent_on_and_errors_come_back_as_they_are(
    make_shop: MakeShop,
):
    gate = asyncio.Event()
    held = answered_after(gate, refused)
    shop = make_shop(held, protections=OFF)
    tasks = [asyncio.create_task(shop.chat(f"wish {i}")) for i in range(100)]
    await settle(200)
    assert len(shop.client.asked) == 100
    assert {a.deadline_s for a in shop.client.asked} == {None}
    gate.set()
    answers = await asyncio.gather(*tasks)
    assert {a.status for a in answers} == {503}


async def test_under_pressure_the_lower_level_goes_before_its_body_is_read(
    make_shop: MakeShop,
):
    full = asyncio.Event()
    held = answered_after(full, ai_answer)
    shop = make_shop(
        held,
        protections=only(admission=True, priorities=True),
        ai_limit_initial=2,
        ai_limit_min=1,
        ai_limit_max=2,
        ai_queue=0,
    )
    await shop.app.start()
    holders = [asyncio.create_task(shop.chat(f"hold {i}")) for i in range(2)]
    await settle()
    for _ in range(60):
        for i in range(6):
            await shop.chat("lower", x_criticality="sheddable", x_user=f"s{i}")
            await shop.chat("normal", x_user=f"n{i}")
        await shop.clock.advance(0.1)
    low = await shop.chat("lower", x_criticality="sheddable", x_user="s1")
    assert low.headers["x-refusal"] == "priority"
    assert int(low.headers["x-threshold"].split(":")[0]) < 3
    full.set()
    await asyncio.gather(*holders)
    await shop.app.stop()
