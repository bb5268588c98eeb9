"""A forecast of steady arrivals, and of growing ones, is what arithmetic says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teashop.resilience.forecast import Forecast

RATE = st.floats(0.0, 50.0)
LEAD_S = 120.0


@given(RATE, RATE, st.floats(0.0, 500.0), st.floats(0.1, 500.0))
def test_a_steady_queue_passes_at_the_first_look_after_it_does(arrivals, capacity, queue, more):
    forecast = Forecast(0.0, arrivals, trend_s=30.0)
    for now_s in range(1, 20):
        forecast.see(float(now_s), arrivals)
    found = forecast.passes_in_s(queue + more, queue=queue, capacity_rps=capacity, lead_s=LEAD_S)
    grows = arrivals - capacity
    if found is None:
        assert grows * LEAD_S < more + 1e-6
        return
    look_s = LEAD_S / 12
    assert grows * found > more - 1e-6
    assert grows * (found - look_s) < more + 1e-6


@given(st.floats(0.0, 10.0), st.floats(0.01, 5.0), st.floats(0.0, 60.0))
def test_growth_is_carried_on(start, slope, ahead_s):
    """With a time constant of one sample nothing of the past is left."""
    forecast = Forecast(0.0, start, trend_s=1.0)
    for second in range(1, 10):
        forecast.see(float(second), start + slope * second)
    assert forecast.rate_rps(ahead_s) == pytest.approx(start + slope * (9 + ahead_s), rel=1e-6)


@given(st.lists(st.tuples(st.floats(0.0, 20.0), RATE), max_size=30), st.floats(0.0, 600.0))
def test_nobody_comes_less_than_never(samples, ahead_s):
    forecast = Forecast(0.0, 1.0, trend_s=10.0)
    now_s = 0.0
    for passed_s, arrivals in samples:
        now_s += passed_s
        forecast.see(now_s, arrivals)
    assert forecast.rate_rps(ahead_s) >= 0.0
