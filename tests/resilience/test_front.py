"""Places that run short go by importance from the first request that finds none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.criticality import Criticality
from teashop.resilience.front import Front, Held
from teashop.resilience.front_config import FrontConfig
from teashop.resilience.ladder import Rung
from teashop.resilience.priority import PriorityConfig, Threshold
from teashop.resilience.protections import Protections
from teashop.resilience.room import NoRoom

PLUS, SHEDDABLE = Criticality.SHEDDABLE_PLUS, Criticality.SHEDDABLE


def full_front(on: Protections, rank: Criticality = PLUS) -> Front[int]:
    """A front whose AI has no place left, not even in its line, for the last one of `rank`."""
    front: Front[int] = Front(
        FrontConfig(), on, admit=lambda _w, _p: True, refuse=lambda _w, _r: None
    )

    def crowd() -> None:
        for waiter in range(1000):
            front.ai_room.enter(waiter, rank, 0.0, 9.0)

    with pytest.raises(NoRoom):
        crowd()
    return front


def test_the_lower_level_is_shut_out_by_the_first_that_finds_no_place():
    front = full_front(Protections())
    assert front.ai.announced() == b"2:1.000"
    assert front.held_back(SHEDDABLE, "ann", 0.0)
    assert not front.held_back(PLUS, "ann", 0.0)


def test_a_ticket_that_finds_no_place_shuts_out_no_chat_of_its_level():
    front = full_front(Protections(), rank=Criticality.CRITICAL_PLUS)
    assert not front.held_back(PLUS, "ann", 0.0)


def test_without_priorities_the_first_to_come_takes_what_there_is():
    front = full_front(Protections(priorities=False))
    assert front.ai.announced() == b"3:1.000"


@pytest.mark.parametrize(("places", "reason"), [(0, "limit"), (4, "queue_full")])
def test_asking_and_entering_tell_the_same(places, reason):
    fronts = [
        Front(
            FrontConfig(ai_queue=places),
            Protections(),
            admit=lambda _w, _p: True,
            refuse=lambda _w, _r: None,
        )
        for _ in range(2)
    ]
    for waiter in range(60):
        asked = fronts[0].ai_room.ask(waiter, PLUS, 0.0, 9.0)
        if isinstance(asked, str):
            with pytest.raises(NoRoom, match=reason):
                fronts[1].ai_room.enter(waiter, PLUS, 0.0, 9.0)
            assert asked == reason
        else:
            entered = fronts[1].ai_room.enter(waiter, PLUS, 0.0, 9.0)
            assert (asked is None) == (entered is None)
    assert fronts[0].ai_room.full_moments == fronts[1].ai_room.full_moments > 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Criticality),
            st.integers(0, 9).map("user-{}".format),
            st.floats(0.0, 0.2),
            st.booleans(),
        ),
        max_size=150,
    )
)
def test_whole_levels_are_counted_as_the_threshold_itself_would(steps) -> None:
    """The front counts them without asking it; here the same questions are all put to a threshold."""
    front: Front[int] = Front(
        FrontConfig(), Protections(), admit=lambda _w, _p: True, refuse=lambda _w, _r: None
    )
    asked = {"door": Threshold(PriorityConfig()), "orders": Threshold(PriorityConfig())}
    ai = Threshold(PriorityConfig())
    now_s = 0.0
    for rank, user, passed_s, overloaded in steps:
        now_s += passed_s
        assert front.lets_in(rank, "", now_s) == asked["door"].admits(rank, "", now_s)
        assert front.orders_admit(rank, user, now_s) == asked["orders"].admits(rank, user, now_s)
        # Nobody is inside, so nothing but the threshold holds anybody back.
        assert bool(front.held_back(rank, user, now_s)) != ai.admits(rank, user, now_s)
        for pressure, alone in (
            (front.door, asked["door"]),
            (front.orders, asked["orders"]),
            (front.ai, ai),
        ):
            pressure.observe(now_s, overloaded=overloaded)
            alone.observe(now_s, overloaded)
            assert pressure.threshold.announced() == alone.announced()


def waiting_for_nothing(config: FrontConfig, on: Protections) -> Front[int]:
    return Front(config, on, admit=lambda _w, _p: True, refuse=lambda _w, _r: None)


@given(
    taken=st.integers(0, 26),
    level=st.floats(1.0, 4.0),
    door=st.floats(1.0, 4.0),
    rank=st.sampled_from(Criticality),
    held=st.sampled_from(Held),
    ladder=st.booleans(),
)
def test_who_is_heard_out_and_who_leaves_the_ai_to_others(
    taken, level, door, rank, held, ladder
) -> None:
    front = waiting_for_nothing(FrontConfig(), Protections(ladder=ladder))
    for _ in range(taken):
        assert front.ai_room.ask(0, PLUS, 0.0, 9.0) is not None
    for pressure, shed_from in ((front.ai, level), (front.door, door)):
        pressure.threshold._threshold = shed_from
        pressure.threshold.whole = int(shed_from)
    spared = front.spares_ai(held, rank)
    if spared:
        assert ladder
        assert rank >= PLUS, "whoever has a ticket has waited for the AI"
        assert held is Held.LEVEL or not front.ai_room.has_headroom, "the AI would idle"
        assert held is Held.LEVEL or level < rank + 1, "nobody of this level is shed"
    # Whose level is shed cannot get a place; a word with rules is all there is for it.
    if held is Held.LEVEL:
        assert not front.may_ask(held, rank)
        assert front.hears_out(held) == (ladder and door >= 4.0)
        assert spared == (ladder and rank >= PLUS)
    else:
        assert front.hears_out(held)
        assert front.may_ask(Held.NO, rank)


@given(
    menu_rps=st.floats(1.0, 40.0),
    asks=st.lists(
        st.tuples(st.floats(0.0, 0.5), st.sampled_from(Held), st.booleans(), st.booleans()),
        max_size=120,
    ),
)
def test_a_shed_level_leaves_half_of_the_menus_and_every_ticket_to_the_others(
    menu_rps, asks
) -> None:
    front = waiting_for_nothing(FrontConfig(menu_rps=menu_rps), Protections())
    left, now_s = menu_rps, 0.0
    for passed_s, held, understood, waited in asks:
        now_s += passed_s
        left = min(menu_rps, left + passed_s * menu_rps)
        rung = front.below(now_s, understood, waited, True, held)
        if understood:
            assert rung is Rung.RULES
        elif held is Held.LEVEL:
            assert rung in {Rung.MENU, None}
            if rung is None:
                assert left <= (menu_rps + 1.0) / 2.0 + 1e-6
            elif not waited:
                assert left >= (menu_rps + 1.0) / 2.0 - 1e-6
        elif waited:
            assert rung is Rung.MENU
        elif rung is not Rung.MENU:
            assert left < 1.0 + 1e-6
        if rung is Rung.MENU and not waited:
            left -= 1.0
