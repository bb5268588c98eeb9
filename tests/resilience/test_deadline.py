"""A budget travels as whole milliseconds and never grows on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.deadline import Deadline, from_header

NOW = st.floats(0, 1e6)


@given(NOW, st.floats(0, 1e4), st.floats(0, 1e3))
def test_a_hop_never_adds_time(now_s: float, budget_s: float, passed_s: float) -> None:
    first = Deadline(now_s + budget_s)
    later_s = now_s + passed_s
    second = from_header(first.to_header(later_s), later_s, 1.0, 1e9)
    assert second.at_s <= max(first.at_s, later_s) + 1e-6
    assert second.remaining_s(later_s) > first.remaining_s(later_s) - 0.0011


@given(NOW, st.binary(max_size=40))
def test_any_bytes_give_a_deadline_within_the_cap(now_s: float, value: bytes) -> None:
    deadline = from_header(value, now_s, 2.0, 5.0)
    assert now_s <= deadline.at_s <= now_s + 5.0


@pytest.mark.parametrize(
    ("value", "left_s"),
    [(b"1500", 1.5), (None, 2.0), (b"soon", 2.0), (b"99999999", 5.0), (b"0", 0.0), (b"-7", 0.0)],
)
def test_reading(value: bytes | None, left_s: float) -> None:
    assert from_header(value, 100.0, 2.0, 5.0).remaining_s(100.0) == pytest.approx(left_s)


def test_expiry_is_at_the_deadline_itself() -> None:
    deadline = Deadline(10.0)
    assert not deadline.expired(9.999)
    assert deadline.expired(10.0)
    assert deadline.remaining_s(11.0) == 0.0
    assert deadline.to_header(11.0) == b"0"
    assert Deadline.from_header(b"250", 1.0, 9.0, 9.0) == Deadline(1.25)
