"""Objectives: read, written, refused, met."""

import pytest

from teastorm.tune.errors import TuneInvalid
from teastorm.tune.slo import Measured, Slo


@pytest.mark.parametrize(
    ("text", "slo"),
    [
        ("good>=0.98", Slo(good=0.98)),
        ("good >= 98 %, p99<=1.5s", Slo(good=0.98, p99_s=1.5)),
        ("refused<=5%", Slo(refused=0.05)),
    ],
)
def test_objectives_are_read_and_written(text, slo):
    assert Slo.parse(text) == slo
    assert Slo.parse(str(slo)) == slo


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' is no objective"),
        ("nice>=1", "'nice>=1' is no objective"),
        ("good<=0.9", "good needs >=, got 'good<=0.9'"),
        ("good>=1.2", "good must be a share from 0 to 1, got 1.2"),
        ("p99<=0", "p99 must be above 0 s, got 0"),
        ("good>=0.9,good>=0.8", "good is there twice"),
        ("good>=1e", "'1e' is not a number"),
    ],
)
def test_bad_objectives_are_refused(text, sentence):
    with pytest.raises(TuneInvalid, match="--slo") as caught:
        Slo.parse(text)
    assert sentence in str(caught.value)


def test_excess_is_zero_exactly_when_all_is_met():
    slo = Slo(good=0.95, refused=0.1, p99_s=1.0)
    assert slo.excess(Measured(good=0.95, refused=0.1, p99_s=1.0)) == 0
    for worse in (
        Measured(good=0.94, refused=0.1, p99_s=1.0),
        Measured(good=0.95, refused=0.11, p99_s=1.0),
        Measured(good=0.95, refused=0.1, p99_s=1.1),
        Measured(good=0.95, refused=0.1, p99_s=None),
    ):
        assert slo.excess(worse) > 0
