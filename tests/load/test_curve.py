"""The day's curve: what ships, and what is refused."""

from pathlib import Path

import pytest

from teastorm.load.curve import DOCUMENTED_PEAK_RPS, DemandCurve, read_curve
from teastorm.load.errors import PlanInvalid

DAY = Path(__file__).parents[2] / "experiments" / "demand" / "milk-tea-day.csv"


def test_the_day_has_two_hours_and_over_two_million_orders() -> None:
    day = read_curve(DAY)
    assert day.seconds == 7200
    assert 2.0e6 < day.total(peak_rps=DOCUMENTED_PEAK_RPS) < 2.3e6


def test_the_day_ramps_within_minutes_stays_and_decays() -> None:
    day = read_curve(DAY)
    assert day.at(0) < 0.2
    assert day.at(8 / 120) > 0.95
    assert all(day.at(minute / 120) >= 0.9 for minute in range(8, 38))
    tail = [day.at(minute / 120) for minute in range(40, 121)]
    assert tail == sorted(tail, reverse=True)
    assert tail[-1] < 0.2


def test_the_readme_states_the_scale_that_the_code_uses() -> None:
    text = DAY.with_name("README.md").read_text(encoding="utf-8")
    assert f"{DOCUMENTED_PEAK_RPS:.0f} orders a second" in text


@pytest.mark.parametrize("time_factor", [1, 60, 240])
def test_compression_keeps_the_peak_and_divides_the_number(time_factor: float) -> None:
    day = read_curve(DAY)
    steps = day.compressed(time_factor=time_factor, peak_rps=192)
    assert sum(seconds for seconds, _ in steps) == pytest.approx(7200 / time_factor)
    assert max(rps for _, rps in steps) == pytest.approx(192, rel=0.01)
    number = sum(seconds * rps for seconds, rps in steps)
    assert number == pytest.approx(day.total(peak_rps=192) / time_factor, rel=0.01)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "row 1 must be the header minute,relative_rate"),
        ("time,rate\n0,1\n", "row 1 must be the header"),
        ("minute,relative_rate\n0,0\n1,two\n", "row 3: 1,two is not two numbers"),
        ("minute,relative_rate\n0,0\n1,-0.5\n", "row 3: relative_rate must be between 0 and 1"),
        ("minute,relative_rate\n0,0\n1,nan\n", "row 3: relative_rate must be between 0 and 1"),
        ("minute,relative_rate\n0,0\n1,1,1\n", "row 3 has 3 cells"),
        ("minute,relative_rate\n0,0\n5,1\n2,0\n", "row 4: minute must be above 5, got 2"),
        ("minute,relative_rate\n0,0\n5,0.5\n", "the largest relative_rate must be 1"),
        ("minute,relative_rate\n0,1\n", "at least two points"),
        ("minute,relative_rate\n3,1\n4,1\n", "the first minute must be 0"),
        ("minute,relative_rate\n", "the largest relative_rate must be 1"),
        ("minute,relative_rate\n\n0,0\n ,\n1,two\n", "row 5: 1,two is not two numbers"),
        ("minute,relative_rate\n0,1\n1e9,0.5\n", "it spans more than a week"),
    ],
)
def test_a_broken_curve_is_refused_with_file_row_and_fix(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "curve.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PlanInvalid, match=sentence) as refusal:
        read_curve(path)
    assert "curve.csv" in str(refusal.value)


def test_a_missing_or_binary_curve_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanInvalid, match=r"nowhere\.csv: no such file"):
        read_curve(tmp_path / "nowhere.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanInvalid, match=r"b\.csv: cannot be read as CSV"):
        read_curve(tmp_path / "b.csv")


def test_compression_below_one_or_no_peak_is_refused() -> None:
    curve = DemandCurve(name="c", minutes=(0, 1), rates=(1, 1))
    with pytest.raises(PlanInvalid, match="time_factor must be at least 1"):
        curve.compressed(time_factor=0.5, peak_rps=1)
    with pytest.raises(PlanInvalid, match="peak_rps must be above 0"):
        curve.compressed(time_factor=1, peak_rps=0)
