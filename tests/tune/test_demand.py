"""Demands that can be read, and those that are refused in one sentence."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teastorm.tune.demand import of_points, read_file
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.prometheus import Access, fetch, parse_place
from teastorm.tune.series import Place, series_of

PLACE = Place(url="http://p", query="sum(rate(x_total[1m]))", start_s=1000, end_s=1150, step_s=15)
COUNTER = Place(url="http://p", query="sum(x_total)", start_s=1000, end_s=1150, step_s=15)


def test_a_curve_and_rates_are_read(tmp_path):
    curve = tmp_path / "curve.csv"
    curve.write_text("minute,relative_rate\n0,0.5\n10,1\n20,0.5\n")
    assert read_file(curve, peak_rps=80).seconds == 1200
    rates = tmp_path / "rates.csv"
    rates.write_text("time_s,rps\n0,5\n60,12.5\n120,0\n")
    demand = read_file(rates, peak_rps=80)
    assert [step.rps for step in demand.steps] == [5, 12.5]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "row 1 must be the header minute,relative_rate or time_s,rps"),
        ("time_s,rps\n", "it needs at least two points, got 0"),
        ("time_s,rps\n0,1\n", "it needs at least two points, got 1"),
        ("time_s,rps\n0,1\n60,2\n30,3\n", "point 3: times must rise, got 30 s after 60 s"),
        ("time_s,rps\n0,-1\n60,2\n", "point 1: the rate must be 0 or above, got -1"),
        ("time_s,rps\n0,1\n60,-2\n", "point 2: the rate must be 0 or above, got -2"),
        ("time_s,rps\n0,1\n60,nan\n", "point 2: the rate must be 0 or above, got nan"),
        ("time_s,rps\n0,inf\n60,1\n", "point 1: the rate must be 0 or above, got inf"),
        ("time_s,rps\nnan,1\n60,1\n", "point 2: times must rise, got 60 s after nan s"),
        ("time_s,rps\n0,x\n60,2\n", "row 2: 0,x is not two numbers"),
        ("time_s,rps\n0,0\n60,0\n", "every rate is 0"),
        ("time_s,rps\n0,1\n9000000,0\n", "spans more than a week"),
        ("minute,relative_rate\n0,1\n5,0.5\n4,0.2\n", "row 4: minute must be above 5, got 4"),
    ],
)
def test_what_is_no_demand_is_refused(text, sentence, tmp_path):
    path = tmp_path / "demand.csv"
    path.write_text(text)
    with pytest.raises(TuneInvalid) as caught:
        read_file(path, peak_rps=80)
    assert sentence in str(caught.value)
    assert "demand.csv" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["minute,relative_rate\r\n0,1\r\n5,0.5\r\n", "time_s,rps\r\n0,1\r\n9,2\r\n"]
)
def test_a_spreadsheets_file_is_read(text, tmp_path):
    path = tmp_path / "demand.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert read_file(path, peak_rps=80).seconds > 0


@pytest.mark.parametrize(
    "answer",
    [
        [{"values": [["soon", 1], [15, 1]]}],
        [{"values": [1, 2]}],
        [{"values": [[1, 2, 3]]}],
        [{"values": [["inf", 1], [15, 1]]}],
        [{"values": "many"}],
        [{"value": [1, "2"]}],
        ["many"],
    ],
)
def test_an_answer_that_is_no_matrix_is_bad_input(answer):
    with pytest.raises(TuneInvalid) as caught:
        series_of(answer, PLACE)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TuneInvalid, match="no such file"):
        read_file(tmp_path / "gone.csv", peak_rps=1)


def rows(values, *, start=1000, step=15):
    listed = [[start + n * step, str(v)] for n, v in enumerate(values) if v is not None]
    return [{"metric": {}, "values": listed}]


def test_a_rate_is_taken_as_it_is():
    read = series_of(rows([1, 2, 4]), PLACE)
    assert read.points == ((0, 1), (15, 2), (30, 4))
    assert read.told == ("the last 120 s of the range have no samples and were left out",)


def test_short_gaps_are_bridged_and_told():
    read = series_of(rows([1, None, "NaN", 4, 4]), PLACE)
    assert [value for _, value in read.points] == [1, 2, 3, 4, 4]
    assert "2 missing samples were bridged by straight lines" in read.told


def test_long_gaps_are_refused_with_their_place():
    with pytest.raises(
        TuneInvalid, match="has a gap of 75 s, from 1970-01-01T00:16:55Z to 00:18:10Z"
    ) as caught:
        series_of(rows([1, 1, None, None, None, None, 1, 1][1:], start=1015), PLACE)
    assert caught.value.exit_code == 2


def test_a_counters_resets_are_unwound():
    read = series_of(rows([100, 130, 160, 15, 45]), COUNTER)
    assert [value for _, value in read.points] == [2, 2, 1, 2]
    assert read.told[-1] == "1 resets of the counter: what it had reached anew was counted"


@given(st.lists(st.floats(0, 1e6), min_size=3, max_size=30), st.data())
def test_rates_of_a_counter_are_its_increase_whatever_resets(increments, data):
    resets = data.draw(st.sets(st.integers(0, len(increments) - 1)))
    values, at = [0.0], 0.0
    for n, more in enumerate(increments):
        at = more if n in resets else at + more
        values.append(at)
    read = series_of(rows(values), dataclasses.replace(COUNTER, end_s=2000))
    for n, (_, rate) in enumerate(read.points):
        # A reset is seen unless the counter has passed its old value again at once.
        if n not in resets or values[n + 1] < values[n]:
            assert rate * 15 == pytest.approx(increments[n], rel=1e-6, abs=1e-3)
    assert all(rate >= 0 for _, rate in read.points)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ([], "has no data in that range"),
        (rows([1, 2]) + rows([3, 4]), "gives 2 series; put sum(…) around it"),
        (rows([1]), "fewer than two samples"),
        (rows([1, -2, 3]), "falls below 0 (-2)"),
    ],
)
def test_answers_that_are_no_rate_are_refused(answer, sentence):
    with pytest.raises(TuneInvalid) as caught:
        series_of(answer, PLACE)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("prometheus:ftp://x?query=y", "must be prometheus:http[s]://HOST"),
        ("prometheus:http://x", "the query is missing"),
        ("prometheus:http://x?query=y&quarry=z", "'quarry' is not known"),
        ("prometheus:http://x?query=y&start=2000&end=1000", "start must be before end"),
        ("prometheus:http://x?query=y&start=soon", "start=soon must be seconds since 1970"),
        ("prometheus:http://x?query=y&step=0", "step=0 must be a duration"),
        ("prometheus:http://x?query=y&step=9999999h", "a day at most"),
        ("prometheus:http://x?query=y&start=nan", "start=nan must be seconds since 1970"),
        ("prometheus:http://x?query=y&end=1e20", "end=1e20 must be seconds since 1970"),
        ("prometheus:http://x?query=y&start=0&end=999999&step=1", "more than 11000 steps"),
        ('prometheus:http://x?query=y{a="#1"}&step=1', "write %23 for it"),
    ],
)
def test_places_that_cannot_be_asked_are_refused(text, sentence):
    with pytest.raises(TuneInvalid) as caught:
        parse_place(text, now_s=5000)
    assert sentence in str(caught.value)


def test_a_place_is_parsed():
    text = "prometheus:http://x:9090/p/?query=sum(rate(a%5B1m%5D))&start=2026-02-06T12:00:00Z"
    place = parse_place(text + "&end=1770386400&step=1m", now_s=0)
    assert (place.url, place.query) == ("http://x:9090/p", "sum(rate(a[1m]))")
    assert (place.start_s, place.end_s, place.step_s) == (1770379200, 1770386400, 60)


def test_points_of_a_query_make_a_demand():
    read = series_of(rows([5, 10, 5]), PLACE)
    assert of_points("q", list(read.points)).peak_rps == 10


def test_a_ca_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TuneInvalid, match="--prometheus-ca"):
        Access(ca=tmp_path / "gone.pem")


def test_a_server_that_is_not_there_is_a_precondition():
    place = Place(url="http://127.0.0.1:9", query="x", start_s=0, end_s=60, step_s=15)
    with pytest.raises(TuneInvalid, match="the query failed") as caught:
        fetch(place, Access())
    assert caught.value.exit_code == 3
