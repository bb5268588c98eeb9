"""`make bench`: the orders path's own capacity, rate by rate."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from teastorm.bench import orders_path
from teastorm.load.draw import draw


def test_no_two_rates_send_the_same_key(monkeypatch, tmp_path):
    """A key that was used for another order is answered 422, which reads like too little capacity."""
    asked = []

    def start(*, plan, seed, **_):
        asked.append([arrival.key for arrival in draw(plan, seed).arrivals])
        return SimpleNamespace(wait=lambda _s: None)

    monkeypatch.setattr(orders_path, "start_load", start)
    monkeypatch.setattr(orders_path, "read_requests", lambda _path: None)
    monkeypatch.setattr(orders_path, "good_share", lambda _log, _clients: 1.0)
    for rate in orders_path.RATES_RPS:
        orders_path._good_share(tmp_path, tmp_path / "endpoints.json", rate)
    keys = [key for each in asked for key in each]
    assert len(asked) == len(orders_path.RATES_RPS)
    assert len(keys) > sum(orders_path.RATES_RPS)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("best", "value"), [(0, "fewer than 20/s"), (60, "60/s"), (160, "160/s or more")]
)
def test_the_highest_rate_tried_is_no_upper_bound(best, value):
    assert orders_path._row(best, 14.0)[1] == value
