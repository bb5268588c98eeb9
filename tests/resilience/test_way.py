"""A slow way is no full server, and a full server is no slow way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.aimd import AimdConfig, AimdLimit
from teashop.resilience.way import Way

SERVED_S = 0.45
LATE_S = 0.35


def times(
    way: Way, *, from_s: float, seconds: float, served_s: float, late_s: float
) -> list[float]:
    """Ten calls a second; what is left of each without the way."""
    return [
        way.without(now_s=from_s + i / 10, rtt_s=served_s + late_s, served_s=served_s)
        for i in range(int(seconds * 10))
    ]


def test_a_slow_way_is_taken_off_within_two_spans():
    way = Way()
    assert times(way, from_s=0, seconds=5, served_s=SERVED_S, late_s=0.002)[-1] == pytest.approx(
        SERVED_S
    )
    late = times(way, from_s=5, seconds=5, served_s=SERVED_S, late_s=LATE_S)
    assert late[0] == pytest.approx(SERVED_S + LATE_S - 0.002)
    assert late[25:] == pytest.approx([SERVED_S] * 25)
    assert way.least_s == pytest.approx(LATE_S)


def test_it_is_forgotten_at_once_when_one_call_is_quick():
    way = Way()
    times(way, from_s=0, seconds=5, served_s=SERVED_S, late_s=LATE_S)
    way.without(now_s=5.0, rtt_s=SERVED_S + 0.001, served_s=SERVED_S)
    assert way.least_s == pytest.approx(0.001)


def test_a_full_server_stays_slow():
    way = Way()
    times(way, from_s=0, seconds=5, served_s=SERVED_S, late_s=0.002)
    full = times(way, from_s=5, seconds=5, served_s=3 * SERVED_S, late_s=0.002)
    assert min(full) == pytest.approx(3 * SERVED_S)


def test_waiting_that_the_server_does_not_see_still_counts():
    way = Way()
    rtts = [SERVED_S + (0.002 if i % 5 == 0 else 0.5) for i in range(100)]
    left = [way.without(now_s=i / 10, rtt_s=rtt, served_s=SERVED_S) for i, rtt in enumerate(rtts)]
    assert sum(left[20:]) / 80 > SERVED_S + 0.3


def test_few_calls_do_not_make_waiting_look_like_way():
    way = Way(enough=8)
    way.without(now_s=0.0, rtt_s=SERVED_S + 0.001, served_s=SERVED_S)
    for i in range(7):
        way.without(now_s=10.0 + i, rtt_s=SERVED_S + 1.0, served_s=SERVED_S)
    assert way.least_s <= 0.001


@given(
    calls=st.lists(
        st.tuples(st.floats(0, 10), st.floats(0, 10), st.one_of(st.none(), st.floats(0, 10))),
        max_size=60,
    )
)
def test_what_is_left_is_between_what_was_served_and_the_whole(calls):
    way = Way()
    now_s = 0.0
    for pause_s, rtt_s, served_s in calls:
        now_s += pause_s
        left_s = way.without(now_s=now_s, rtt_s=rtt_s, served_s=served_s)
        assert 0.0 <= left_s <= rtt_s
        if served_s is None:
            assert left_s == rtt_s
        else:
            assert left_s >= min(served_s, rtt_s)


@pytest.mark.parametrize(("knows", "kept"), [(True, True), (False, False)])
def test_a_limit_that_knows_the_way_does_not_shed_for_it(knows: bool, kept: bool):
    """0.7 K of one gateway: 23 chats a second. What a slow server would cost is the other case."""
    limit, way = AimdLimit(AimdConfig()), Way()

    def calls(from_s: float, seconds: float, late_s: float) -> None:
        for i in range(int(seconds * 23)):
            now_s, rtt_s = from_s + i / 23, SERVED_S + late_s
            left_s = way.without(now_s=now_s, rtt_s=rtt_s, served_s=SERVED_S if knows else None)
            limit.on_sample(
                now_s=now_s, rtt_s=left_s, in_flight=min(limit.limit, 18), dropped=False
            )

    calls(0, 12, 0.002)
    before = limit.limit
    calls(12, 4, LATE_S)
    assert (limit.limit >= 0.8 * before) is kept


@pytest.mark.parametrize("wrong", [{"span_s": 0.0}, {"enough": 0}])
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Way(**wrong)
