"""What a Prometheus answered as one series: the server's own grid, gaps, ends, what is no series."""

from __future__ import annotations

import dataclasses

import pytest

from teastorm.tune.errors import TuneInvalid
from teastorm.tune.series import Place, series_of

START = 1_770_379_200


def samples(*values: object, start: float = START, step: float = 15) -> list[object]:
    return [[start + n * step, str(value)] for n, value in enumerate(values)]


PLACE = Place(url="http://p", query="q", start_s=START, end_s=START + 120, step_s=15)


def rows(*series: list[object]) -> list[object]:
    return [{"metric": {}, "values": values} for values in series]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (rows(samples(1, 2), samples(1, 2)), "gives 2 series; put sum(…) around it"),
        (rows(samples("NaN", "NaN", "+Inf")), "fewer than two samples"),
        (rows([]), "fewer than two samples"),
        (rows([[START + 15, "1"], [START, "2"]]), "samples out of order"),
        (rows([[START, "1"], [START, "2"], [START + 15, "2"]]), "samples out of order"),
        (rows([[START, "1"], [1e18, "2"]]), "outside the range asked for"),
        (rows([["NaN", "1"], [START, "2"]]), "outside the range asked for"),
        (rows([[0, "1"], [15, "2"]]), "outside the range asked for"),
        (rows([[START, "1", "2"]]), "samples that are none"),
        (rows([[START, "soon"]]), "samples that are none"),
        (rows([[START, None]]), "samples that are none"),
        ([7], "gave no matrix"),
        ([{"metric": {}, "value": [START, "1"]}], "gave no matrix"),
        (rows(samples(1, *["NaN"] * 4, 1)), "has a gap of 75 s"),
    ],
)
def test_what_is_no_series_is_bad_input(found, sentence):
    with pytest.raises(TuneInvalid) as caught:
        series_of(found, PLACE)

    assert sentence in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_grid_that_the_server_moved_loses_no_sample():
    """Some move a range to multiples of its step: half a step aside, rounding would pair samples."""
    moved = samples(1, 2, 3, 4, 5, 6, start=START + 7.5)
    read = series_of(rows(moved), PLACE)

    assert read.points == tuple((7.5 + 15 * n, n + 1) for n in range(6))
    assert not any("bridged" in each for each in read.told)


def test_queries_that_begin_at_different_times_stay_beside_each_other():
    """A quantile is NaN while nobody calls: its first value belongs to its own time."""
    rate = series_of(rows(samples(1, 2, 3, 4)), PLACE)
    latency = series_of(rows(samples("NaN", "NaN", 0.3, 0.4)), PLACE)

    at = dict(latency.points)
    assert {rps: at[t] for t, rps in rate.points if t in at} == {3: 0.3, 4: 0.4}


def test_steps_below_a_second_meet_too():
    place = dataclasses.replace(PLACE, step_s=0.1)
    rate = series_of(rows(samples(*range(9), step=0.1)), place)
    latency = series_of(rows(samples(*range(6), start=START + 0.3, step=0.1)), place)

    assert {t for t, _ in latency.points} < {t for t, _ in rate.points}


def test_what_has_no_samples_at_the_ends_is_told():
    read = series_of(rows(samples("NaN", "NaN", 3, 4, 4)), PLACE)

    assert read.told == (
        "the first 30 s of the range have no samples and were left out",
        "the last 60 s of the range have no samples and were left out",
    )
