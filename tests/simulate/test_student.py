"""Student's t by its density, by what tables print, and in the intervals that are made with it."""

import math
from itertools import pairwise

import numpy as np
import pytest

from teastorm.simulate.student import t_quantile
from teastorm.simulate.summary import mean_of


def share_below(t: float, freedom: int) -> float:
    """The integral of the density, by Simpson's rule."""
    x = np.linspace(0.0, t, 20_001)
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    log_scale -= math.log(freedom * math.pi) / 2
    density = np.exp(log_scale - (freedom + 1) / 2 * np.log1p(x * x / freedom))
    weights = np.full(len(x), 2.0)
    weights[1::2], weights[0], weights[-1] = 4.0, 1.0, 1.0
    return 0.5 + float(weights @ density) * t / 20_000 / 3


@pytest.mark.parametrize("freedom", [*range(1, 42), 60, 199, 200, 201, 500, 9999])
def test_so_much_of_the_distribution_lies_below_it(freedom):
    for share in (0.5, 0.6, 0.9, 0.975, 0.995):
        assert share_below(t_quantile(freedom, share), freedom) == pytest.approx(share, abs=1e-9)


def test_it_is_what_tables_print():
    printed = {1: 12.706, 4: 2.776, 29: 2.045, 30: 2.042, 31: 2.040, 40: 2.021, 120: 1.980}
    assert {n: round(t_quantile(n, 0.975), 3) for n in printed} == printed


def test_one_seed_more_never_widens_an_interval():
    """Also not from 30 to 31 degrees of freedom, nor where the expansion takes over."""
    found = [t_quantile(n, 0.975) for n in range(1, 400)]
    assert all(before > after for before, after in pairwise(found))
    assert found[-1] > 1.9599


@pytest.mark.parametrize(("seeds", "t"), [(2, 12.7062), (32, 2.03951), (101, 1.98397)])
def test_an_interval_of_any_number_of_seeds_is_by_it(seeds, t):
    values = [float(n % 2) for n in range(seeds)]
    mean = sum(values) / seeds
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (seeds - 1))
    found = mean_of(values)
    assert found["mean"] == pytest.approx(mean)
    assert found["half_width"] == pytest.approx(t * spread / math.sqrt(seeds), rel=1e-5)


@pytest.mark.parametrize(("freedom", "share"), [(0, 0.9), (3, 0.4), (3, 1.0), (3, math.nan)])
def test_what_has_no_quantile_is_refused(freedom, share):
    with pytest.raises(ValueError, match="no quantile of"):
        t_quantile(freedom, share)
