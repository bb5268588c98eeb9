"""Down the ladder: who gets which rung, and what every answer says of itself."""

from __future__ import annotations

from tests.gateway.chats import ai_is_out, only, resolvable, says_ai
from tests.gateway.conftest import ORDER, MakeShop, ai_answer

from teashop.catalog import rules
from teashop.serving.client import Answer, Unavailable
from teashop.serving.testing import call


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


async def test_a_ticket_whose_holder_is_refused_is_still_good(make_shop: MakeShop):
    out = True

    async def sometimes(_) -> Answer:
        if out:
            raise Unavailable("inference", "dependency")
        return ai_answer()

    shop = make_shop(sometimes, protections=only(waiting_room=True), ticket_rps=0.1)
    body = (await shop.chat(idempotency_key="mine")).json()
    await shop.clock.advance(body["eta_s"] + 0.1)
    refused = await shop.chat(idempotency_key="mine", x_ticket=body["ticket"])
    assert (refused.status, refused.headers["x-degradation"]) == (503, "refused")
    unreadable = await shop.chat(" ", idempotency_key="mine", x_ticket=body["ticket"])
    assert unreadable.status == 400
    out = False
    honoured = await shop.chat(idempotency_key="mine", x_ticket=body["ticket"])
    assert honoured.headers["x-degradation"] == "full"
    assert (await shop.chat(idempotency_key="mine", x_ticket=body["ticket"])).status == 409


async def test_a_body_that_is_no_chat_is_told_so(make_shop: MakeShop):
    shop = make_shop(says_ai)
    got = await shop.chat("  ")
    assert got.status == 400
    assert "utterance" in got.json()["detail"]


async def test_an_answer_on_no_rung_says_so(make_shop: MakeShop):
    """Every answer of the shop bears its rung; who asks what cannot be answered is on none."""
    shop = make_shop(says_ai)
    key = {"Idempotency-Key": "k"}
    slips = [
        await shop.chat("  "),
        await shop.chat(x_ticket="forged"),
        await call(shop.app, "POST", "/chat", body={"utterance": "x" * 70_000}),
        await call(shop.app, "POST", "/checkout", body={}),
        await call(shop.app, "POST", "/checkout", body=b"x" * 70_000, headers=key),
    ]
    assert [slip.status for slip in slips] == [400, 400, 413, 400, 413]
    assert [slip.headers["x-degradation"] for slip in slips] == ["none"] * 5
    assert all("x-refusal" not in slip.headers for slip in slips)
    assert shop.value("teashop_answers_total", route="chat", rung="none", status="413") == 1
