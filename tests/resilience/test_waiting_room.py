"""Tickets cannot be forged, reused, or redeemed out of order, at one replica or at two."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.waiting_room import (
    TicketInvalid,
    TicketTooEarly,
    TicketUsed,
    WaitingRoom,
    WaitingRoomConfig,
)

SECRET = b"a secret of the shop, 32 bytes.."
CONFIG = WaitingRoomConfig(hold_s=5.0, valid_s=60.0)
NOW = 1_770_000_000.0


def room(secret: bytes = SECRET) -> WaitingRoom:
    return WaitingRoom(CONFIG, secret)


def token(at: WaitingRoom, now_s: float = NOW, key: str = "key-1", seed: int = 1) -> str:
    return at.issue("ann", key, now_s, 10, 5.0, random.Random(seed)).token


def test_redeemed_at_its_turn_anywhere_with_its_issue_time() -> None:
    ticket = token(room())
    assert room().redeem(ticket, "key-1", NOW + 5.0) == pytest.approx(NOW, abs=1e-5)


def test_too_early_says_when() -> None:
    here = room()
    ticket = token(here)
    with pytest.raises(TicketTooEarly) as refused:
        here.redeem(ticket, "key-1", NOW + 3.0)
    assert refused.value.retry_after_s == pytest.approx(2.0, abs=1e-5)
    here.redeem(ticket, "key-1", NOW + 5.0)


def test_once_only() -> None:
    here = room()
    ticket = token(here)
    here.redeem(ticket, "key-1", NOW + 6.0)
    with pytest.raises(TicketUsed):
        here.redeem(ticket, "key-1", NOW + 6.0)


def test_given_back_it_is_good_again_and_only_the_holders() -> None:
    here = room()
    ticket = token(here)
    here.redeem(ticket, "key-1", NOW + 6.0)
    here.give_back(ticket, "key-2")
    here.give_back("no ticket", "key-1")
    with pytest.raises(TicketUsed):
        here.redeem(ticket, "key-1", NOW + 6.0)
    here.give_back(ticket, "key-1")
    here.redeem(ticket, "key-1", NOW + 7.0)
    with pytest.raises(TicketUsed):
        here.redeem(ticket, "key-1", NOW + 7.0)


@pytest.mark.parametrize("now_s", [NOW - 2.0, NOW + 66.0])
def test_not_before_it_was_issued_and_not_past_its_time(now_s: float) -> None:
    with pytest.raises(TicketInvalid):
        room().redeem(token(room()), "key-1", now_s)


def test_another_key_or_secret_is_no_ticket() -> None:
    with pytest.raises(TicketInvalid):
        room().redeem(token(room()), "key-2", NOW + 6.0)
    with pytest.raises(TicketInvalid):
        room(b"another secret of 16 bytes").redeem(token(room()), "key-1", NOW + 6.0)


@given(st.data())
def test_any_change_of_a_token_is_seen(data: st.DataObject) -> None:
    ticket = token(room())
    at = data.draw(st.integers(0, len(ticket) - 1))
    letter = data.draw(st.characters(codec="utf-8"))
    forged = ticket[:at] + letter + ticket[at + 1 :]
    if forged != ticket:
        with pytest.raises(TicketInvalid):
            room().redeem(forged, "key-1", NOW + 6.0)


@given(st.text(max_size=80))
def test_no_text_is_a_ticket_or_an_error(text: str) -> None:
    with pytest.raises(TicketInvalid):
        room().redeem(text, "key-1", NOW + 6.0)


@given(
    st.lists(
        st.tuples(st.floats(0, 30), st.booleans(), st.booleans(), st.integers(0, 500)),
        min_size=2,
        max_size=40,
    ),
    st.floats(-0.4, 0.4),
    st.randoms(),
)
def test_over_two_replicas_nobody_overtakes_by_more_than_a_second(
    arrivals: list[tuple[float, bool, bool, int]], skew_s: float, rng: random.Random
) -> None:
    rooms, skews = (room(), room()), (0.0, skew_s)
    held = []
    for n, (at_s, issuer, redeemer, backlog) in enumerate(arrivals):
        issued_s = NOW + at_s
        ticket = rooms[issuer].issue("u", f"k{n}", issued_s + skews[issuer], backlog, 5.0, rng)
        held.append((issued_s, ticket.token, f"k{n}", redeemer))
    for now_s in [NOW + i * 0.5 for i in range(90)]:
        open_s, shut_s = [], []
        for entry in list(held):
            issued_s, text, key, redeemer = entry
            try:
                rooms[redeemer].redeem(text, key, now_s + skews[redeemer])
            except TicketTooEarly:
                shut_s.append(issued_s)
            except TicketInvalid:
                assert issued_s > now_s  # not issued yet in this world
            else:
                held.remove(entry)
                open_s.append(issued_s)
        assert max(open_s, default=0.0) <= min(shut_s, default=NOW * 2) + 1.0
    assert not held


@given(st.floats(0, 1e5), st.floats(0, 1e3), st.randoms())
def test_a_ticket_says_what_it_knows(backlog: float, rate_rps: float, rng: random.Random) -> None:
    ticket = room().issue("ann", "key", NOW, backlog, rate_rps, rng)
    assert ticket.position >= 1
    assert ticket.position_error >= 0
    assert ticket.eta_s >= CONFIG.hold_s
    assert abs(ticket.position - (2 * backlog + 1)) <= 1.0


def test_room_is_what_can_be_served_by_the_turn() -> None:
    assert room().has_room(backlog=24, rate_rps=5.0)
    assert not room().has_room(backlog=25, rate_rps=5.0)
    assert room().horizon_unix_s(NOW) == NOW - 5.0


def test_memory_of_used_tickets_is_bounded() -> None:
    here = WaitingRoom(WaitingRoomConfig(hold_s=1.0, max_used=50), SECRET)
    for n in range(500):
        text = here.issue("u", f"k{n}", NOW, 0, 5.0, random.Random(n)).token
        here.redeem(text, f"k{n}", NOW + 2.0)
    assert len(here._used) <= 50


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes, got 5"):
        WaitingRoom(CONFIG, b"short")
