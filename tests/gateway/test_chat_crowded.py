"""A chat when many come at once: the limit, the queue, the threshold, and the shop without them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.gateway.chats import OFF, answered_after, only, resolvable
from tests.gateway.conftest import MakeShop, Shop, ai_answer, refused

from teashop.serving.client import Answer
from teashop.serving.clock import settle
from teashop.serving.testing import Called


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


@asynccontextmanager
async def crowded(
    make_shop: MakeShop, *, places: int = 2, **settings: object
) -> AsyncIterator[tuple[Shop, asyncio.Event]]:
    """A shop whose AI just had no place for a chat, so that the lower level is shed as a whole.

    Gives the shop, and what ends the first of the chats that the AI holds.
    """
    first, all_of_them = asyncio.Event(), asyncio.Event()
    asked = 0

    async def held(_) -> Answer:
        nonlocal asked
        asked += 1
        await (first if asked == 1 else all_of_them).wait()
        return ai_answer()

    shop = make_shop(
        held,
        **{
            "protections": only(admission=True, priorities=True, ladder=True, waiting_room=True),
            "ai_limit_initial": places,
            "ai_limit_min": places,
            "ai_limit_max": places,
            "ai_queue": 0,
        }
        | settings,
    )
    holders = [asyncio.create_task(shop.chat(f"hold {i}")) for i in range(places)]
    await settle()
    await shop.chat("one too many")
    yield shop, first
    first.set()
    all_of_them.set()
    await asyncio.gather(*holders)


async def lower(shop: Shop, text: str, user: str = "ann", **headers: str) -> Called:
    return await shop.chat(text, x_criticality="sheddable", x_user=user, **headers)


async def test_of_a_shed_level_whoever_is_understood_without_ai_is_answered(make_shop: MakeShop):
    async with crowded(make_shop) as (shop, _):
        got = await lower(shop, resolvable())
        assert (got.status, got.headers["x-degradation"]) == (200, "rules")
        assert len(shop.client.asked) == 2


async def test_a_shed_level_leaves_half_of_the_menus_to_those_above_it_and_gets_no_ticket(
    make_shop: MakeShop,
):
    async with crowded(make_shop, menu_rps=9.0) as (shop, _):  # one of the nine is gone already
        low = [await lower(shop, f"no idea {i}", idempotency_key=f"l{i}") for i in range(9)]
        assert [got.headers["x-degradation"] for got in low] == ["menu"] * 4 + ["refused"] * 5
        assert {got.headers["x-refusal"] for got in low[4:]} == {"priority"}
        high = [await shop.chat(f"no idea {i}", idempotency_key=f"h{i}") for i in range(6)]
        rungs = [got.headers["x-degradation"] for got in high]
        assert rungs == ["menu"] * 4 + ["ticket", "refused"]


async def test_a_shed_level_finds_no_place_that_comes_free(make_shop: MakeShop):
    async with crowded(make_shop) as (shop, first):
        first.set()
        await settle()
        got = await lower(shop, "no idea")
        assert got.headers["x-degradation"] == "menu"
        assert len(shop.client.asked) == 2


async def test_once_the_door_sheds_a_shed_level_is_refused_before_its_body_is_read(
    make_shop: MakeShop,
):
    """A body that is no chat tells: 400 if it was read, 503 if not."""
    async with crowded(make_shop, door_lag_s=-1.0) as (shop, _):  # whatever the lag, it is too much
        read = [await lower(shop, "  ", user=f"u{i}") for i in range(60)]
        assert {got.status for got in read} == {400}
        await shop.app.start()
        await shop.clock.advance(0.6)
        await shop.chat("again one too many")
        unread = [await lower(shop, "  ", user=f"u{i}") for i in range(60)]
        assert {got.status for got in unread} == {503}
        assert {got.headers["x-refused-for"] for got in unread} == {"gateway", "inference"}
        await shop.app.stop()


async def test_without_the_ladder_a_shed_level_is_refused_before_its_body_is_read(
    make_shop: MakeShop,
):
    no_ladder = only(admission=True, priorities=True)
    async with crowded(make_shop, protections=no_ladder) as (shop, _):
        got = await lower(shop, "  ")
        assert (got.status, got.headers["x-refusal"]) == (503, "priority")


async def test_while_the_ai_is_short_its_places_are_for_those_whom_only_it_understands(
    make_shop: MakeShop,
):
    """One place of twelve is free: no headroom, so not for whoever can be answered without."""
    async with crowded(make_shop, places=12) as (shop, first):
        first.set()
        await settle()
        assert (await shop.chat(resolvable())).headers["x-degradation"] == "rules"
        assert len(shop.client.asked) == 12
        other = asyncio.create_task(shop.chat("surprise me"))
        await settle()
        assert len(shop.client.asked) == 13
    assert (await other).headers["x-degradation"] == "full"


async def test_where_the_ai_has_headroom_it_is_asked_also_by_whoever_rules_understand(
    make_shop: MakeShop,
):
    async with crowded(make_shop) as (shop, _):
        pass
    got = await shop.chat(resolvable())
    assert got.headers["x-threshold"].startswith("2:")  # the lower level is still shed
    assert got.headers["x-degradation"] == "full"
