"""Down the ladder: who gets which rung, and what every answer says of itself."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

from tests.gateway.conftest import ORDER, MakeShop, ai_answer, refused

from teashop.catalog import rules, utterances
from teashop.serving.client import Answer, Unavailable
from teashop.serving.clock import settle
from teashop.serving.settings import Protections

OFF = Protections.all_off()


def only(**on: bool) -> Protections:
    return replace(OFF, **on)


async def says_ai(_) -> Answer:
    return ai_answer()


async def ai_is_out(_) -> Answer:
    raise Unavailable("inference", "dependency")


def resolvable() -> str:
    rng = random.Random(3)
    return next(u.text for u in (utterances.draw(rng) for _ in range(200)) if u.resolvable)


async def test_a_full_answer_carries_the_order_its_rung_and_the_ai_time(make_shop: MakeShop):
    shop = make_shop(says_ai)
    got = await shop.chat(x_user="u1")
    assert (got.status, got.json()["order"]) == (200, ORDER)
    assert got.headers["x-degradation"] == "full"
    assert float(got.headers["x-sequence-seconds"]) == 0.4
    assert got.headers["x-replica"] == "gateway-7"
    assert shop.value("teashop_answers_total", route="chat", rung="full", status="200") == 1


async def test_the_callers_time_travels_with_the_question(make_shop: MakeShop):
    shop = make_shop(says_ai)
    before = shop.clock.now()
    await shop.chat(x_request_timeout_ms="1500")
    assert shop.client.asked[0].deadline_s == before + 1.5


async def test_time_for_a_short_answer_only_asks_for_few_tokens(make_shop: MakeShop):
    shop = make_shop(says_ai)
    got = await shop.chat(x_request_timeout_ms="450")
    assert got.headers["x-degradation"] == "short"
    assert b'"max_tokens":20' in shop.client.asked[0].body


async def test_no_time_left_is_refused_before_anything_is_asked(make_shop: MakeShop):
    shop = make_shop(says_ai)
    got = await shop.chat(x_request_timeout_ms="0")
    assert (got.status, got.headers["x-refusal"]) == (503, "late")
    assert not shop.client.asked


async def test_who_comes_too_late_for_any_answer_is_told_so_and_takes_no_place(
    make_shop: MakeShop,
):
    shop = make_shop(says_ai, protections=only(deadlines=True, admission=True))
    got = await shop.chat("surprise me", x_request_timeout_ms="1")
    assert (got.status, got.headers["x-refusal"]) == (503, "late")
    assert not shop.client.asked


async def test_the_admitted_are_told_the_threshold_too(make_shop: MakeShop):
    shop = make_shop(says_ai)
    assert (await shop.chat()).headers["x-threshold"] == "3:1.000"


async def test_without_ai_rules_answer_what_they_understand(make_shop: MakeShop):
    shop = make_shop(ai_is_out)
    text = resolvable()
    got = await shop.chat(text)
    assert got.headers["x-degradation"] == "rules"
    assert got.json()["order"] == rules.resolve(text).to_json()


async def test_what_the_ai_said_before_is_remembered_for_the_moment_it_is_out(
    make_shop: MakeShop,
):
    calls = 0

    async def once_then_out(_) -> Answer:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise Unavailable("inference", "dependency")
        return ai_answer()

    shop = make_shop(once_then_out)
    first = await shop.chat()
    second = await shop.chat()
    assert first.headers["x-degradation"] == "full"
    assert (second.headers["x-degradation"], second.json()["order"]) == ("cache", ORDER)


async def test_the_menu_is_given_to_a_bounded_number_then_tickets_then_refusals(
    make_shop: MakeShop,
):
    shop = make_shop(ai_is_out, menu_rps=2.0, ticket_rps=1.0)
    rungs = [
        (await shop.chat(f"surprise me {i}", idempotency_key=f"k{i}")).headers["x-degradation"]
        for i in range(5)
    ]
    assert rungs == ["menu", "menu", "ticket", "refused", "refused"]


async def test_a_refusal_is_labelled_and_says_when_to_come_back(make_shop: MakeShop):
    shop = make_shop(ai_is_out, protections=only(admission=True, priorities=True))
    got = await shop.chat()
    assert got.status == 503
    assert got.headers["x-refusal"] == "dependency"
    assert got.headers["x-refused-for"] == "inference"
    assert int(got.headers["retry-after"]) >= 1
    assert got.headers["x-threshold"] == "3:1.000"
    assert got.headers["x-degradation"] == "refused"


async def test_a_ticket_is_honoured_after_its_turn_once_and_for_its_key_only(
    make_shop: MakeShop,
):
    out = True

    async def sometimes(_) -> Answer:
        if out:
            raise Unavailable("inference", "dependency")
        return ai_answer()

    shop = make_shop(sometimes, protections=only(waiting_room=True))
    issued = await shop.chat(idempotency_key="mine", x_user="u")
    body = issued.json()
    assert (issued.status, issued.headers["x-degradation"]) == (202, "ticket")
    assert body["position"] >= 1
    assert body["position_error"] >= 0
    out = False
    early = await shop.chat(idempotency_key="mine", x_ticket=body["ticket"])
    assert (early.status, early.headers["x-refusal"]) == (503, "limit")
    await shop.clock.advance(body["eta_s"] + 0.1)
    stolen = await shop.chat(idempotency_key="theirs", x_ticket=body["ticket"])
    assert stolen.status == 400
    honoured = await shop.chat(idempotency_key="mine", x_ticket=body["ticket"])
    assert honoured.headers["x-degradation"] == "full"
    again = await shop.chat(idempotency_key="mine", x_ticket=body["ticket"])
    assert again.status == 409


async def test_the_limit_bounds_what_inference_holds_and_the_queue_what_waits(
    make_shop: MakeShop,
):
    gate = asyncio.Event()

    async def held(_) -> Answer:
        await gate.wait()
        return ai_answer()

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


async def test_who_waits_too_long_steps_down_instead_of_waiting_on(make_shop: MakeShop):
    gate = asyncio.Event()

    async def held(_) -> Answer:
        await gate.wait()
        return ai_answer()

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

    async def held(_) -> Answer:
        await gate.wait()
        return refused()

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

    async def held(_) -> Answer:
        await full.wait()
        return ai_answer()

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


async def test_a_body_that_is_no_chat_is_told_so(make_shop: MakeShop):
    shop = make_shop(says_ai)
    got = await shop.chat("  ")
    assert got.status == 400
    assert "utterance" in got.json()["detail"]
