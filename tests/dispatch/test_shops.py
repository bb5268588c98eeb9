"""A shop's queue in virtual time, and its door."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.dispatch.gate import Change, Gate, Obstacle
from teashop.dispatch.pace import Pace
from teashop.dispatch.shops import Shop, ShopRules, accept, advance, crossed, ready_in_s

RULES = ShopRules(
    drinks_per_s=6.0,
    capacity_drinks=60.0,
    pause_drinks=75.0,
    resume_drinks=42.0,
    full_drinks=90.0,
)
PLANNED = Pace(seed=1, variation=0.0, period_s=5.0)
GATE = Gate(rules=RULES, backpressure=True, pause=True)
# (seconds that pass, drinks that are asked for)
histories = st.lists(st.tuples(st.floats(0, 4), st.integers(1, 12)), max_size=60)


def with_queue(drinks: float, *, paused: bool = False) -> Shop:
    return Shop(name="s", taken=drinks, paused=paused)


@given(history=histories, variation=st.floats(0, 0.3))
def test_nothing_is_made_that_was_not_taken(
    history: list[tuple[float, int]], variation: float
) -> None:
    pace = Pace(seed=1, variation=variation, period_s=3.0)
    shop, now_s = Shop(name="s"), 0.0
    for passes_s, drinks in history:
        now_s += passes_s
        before = shop
        shop = advance(shop, now_s, RULES, pace)
        assert before.made <= shop.made <= shop.taken
        shop = accept(shop, drinks)
        assert shop.queue >= drinks - 1e-9


@given(history=histories)
def test_orders_get_ready_in_the_order_in_which_they_were_taken(
    history: list[tuple[float, int]],
) -> None:
    shop, now_s, last_s = Shop(name="s"), 0.0, 0.0
    for passes_s, drinks in history:
        now_s += passes_s
        shop = accept(advance(shop, now_s, RULES, PLANNED), drinks)
        ready_s = now_s + ready_in_s(shop, shop.taken, RULES)
        assert ready_s >= last_s - 1e-6
        last_s = ready_s


def test_an_idle_shop_saves_up_no_work() -> None:
    shop = advance(accept(Shop(name="s"), 6), 100.0, RULES, PLANNED)
    shop = accept(shop, 6)
    assert shop.queue == 6
    assert ready_in_s(shop, shop.taken, RULES) == pytest.approx(1.0)


def test_an_earlier_look_changes_nothing() -> None:
    shop = advance(with_queue(60), 5.0, RULES, PLANNED)
    assert advance(shop, 4.0, RULES, PLANNED) is shop


@given(history=histories)
def test_with_backpressure_the_queue_has_an_end(history: list[tuple[float, int]]) -> None:
    shop, now_s = Shop(name="s"), 0.0
    for passes_s, drinks in history:
        now_s += passes_s
        shop, _ = GATE.swing(advance(shop, now_s, RULES, PLANNED))
        if GATE.obstacle(shop, drinks) is None:
            shop = accept(shop, drinks)
        assert shop.queue <= RULES.full_drinks


@given(history=histories)
def test_without_backpressure_everything_is_accepted(history: list[tuple[float, int]]) -> None:
    gate = replace(GATE, backpressure=False, pause=False)
    shop = Shop(name="s")
    for _, drinks in history:
        assert gate.obstacle(shop, drinks) is None
        shop, change = gate.swing(accept(shop, drinks))
        assert change is None


@given(queues=st.lists(st.floats(0, 120), max_size=80))
def test_the_door_swings_once_between_the_marks(queues: list[float]) -> None:
    paused, last_mark = False, "resume"
    for queue in queues:
        shop, change = GATE.swing(with_queue(queue, paused=paused))
        if change is Change.PAUSED:
            assert last_mark == "resume"
            assert queue >= RULES.pause_drinks
            last_mark = "pause"
        elif change is Change.RESUMED:
            assert last_mark == "pause"
            assert queue <= RULES.resume_drinks
            last_mark = "resume"
        else:
            assert shop.paused == paused
        paused = shop.paused


def test_a_paused_shop_refuses_and_says_how_far_away_the_door_is() -> None:
    shop = with_queue(72, paused=True)
    assert GATE.obstacle(shop, 1) is Obstacle.PAUSED
    assert GATE.reopens_behind_drinks(shop, 1) == 30


def test_a_full_shop_refuses_what_does_not_fit_and_takes_what_does() -> None:
    gate = replace(GATE, pause=False)
    assert gate.obstacle(with_queue(85), 6) is Obstacle.FULL
    assert gate.reopens_behind_drinks(with_queue(85), 6) == 1
    assert gate.obstacle(with_queue(85), 5) is None


def test_an_empty_shop_takes_an_order_of_any_size() -> None:
    assert GATE.obstacle(Shop(name="s"), 500) is None


def test_a_queue_that_trembles_about_capacity_passes_once() -> None:
    shop, passes = Shop(name="s"), 0
    for queue in (59, 61, 59.5, 60.5, 56, 62, 53, 61):
        shop, passed = crossed(replace(shop, taken=queue), RULES)
        passes += passed
    assert passes == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("drinks_per_s", 0), ("resume_drinks", 80), ("full_drinks", 70), ("capacity_drinks", 0)],
)
def test_refuses_what_cannot_be_meant(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=field):
        replace(RULES, **{field: value})
