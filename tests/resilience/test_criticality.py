"""The route gives the level, a header may only lower it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.criticality import Criticality, lowered, parse


def test_most_important_first() -> None:
    assert [level.label for level in sorted(Criticality)] == [
        "critical_plus",
        "critical",
        "sheddable_plus",
        "sheddable",
    ]


@pytest.mark.parametrize("level", Criticality)
def test_a_label_reads_back(level: Criticality) -> None:
    assert parse(level.label) is level
    assert parse(f" {level.label.upper()} ") is level


def test_other_text_is_refused() -> None:
    with pytest.raises(ValueError, match=r"criticality must be one of critical_plus, .*'urgent'"):
        parse("urgent")


@given(st.sampled_from(Criticality), st.sampled_from(Criticality))
def test_lowered_never_raises_importance(base: Criticality, asked: Criticality) -> None:
    assert lowered(base, asked) is max(base, asked)
    assert lowered(base, asked.label) is max(base, asked)


@given(st.sampled_from(Criticality), st.text(max_size=20))
def test_a_header_that_cannot_be_read_changes_nothing(base: Criticality, text: str) -> None:
    if text.strip().lower() not in {level.label for level in Criticality}:
        assert lowered(base, text) is base
    assert lowered(base, None) is base
