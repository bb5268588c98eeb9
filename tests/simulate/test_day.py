"""The seed's day at several sizes: capacity a third of the peak, and shares that stay."""

from pathlib import Path

import pytest

from teastorm.load.curve import read_curve
from teastorm.load.settings import Mix
from teastorm.simulate import Demand, OrdersModel, Scenario, simulate
from teastorm.simulate.day import day

CURVE = read_curve(Path("experiments/demand/milk-tea-day.csv"))


@pytest.mark.parametrize(
    ("orders", "seconds", "replicas"), [(2.1e6, None, 6), (1.0e7, 9 * 3600.0, 6), (2e4, None, 2)]
)
def test_capacity_is_a_third_of_the_peak(orders, seconds, replicas):
    scenario = day(CURVE, orders=orders, seconds=seconds)
    assert scenario.replicas == scenario.gateways == scenario.orders.replicas == replicas
    assert scenario.demand.orders == pytest.approx(orders, rel=0.01)
    capacity = scenario.inference.capacity_rps(replicas, 40)
    assert scenario.demand.peak_rps / capacity == pytest.approx(3.0, rel=0.1)
    assert scenario.mix.critical_rps == pytest.approx(0.2 * capacity)


def test_a_small_day_is_shortened_and_a_large_one_is_not():
    assert day(CURVE, orders=2e4).demand.seconds < 300
    assert day(CURVE, orders=2.1e6).demand.seconds == pytest.approx(7200.0)


def test_a_larger_shop_is_a_similar_shop():
    def storm(replicas: int) -> Scenario:
        rate = 2.0 * 32.0 * replicas
        return Scenario(
            demand=Demand.constant(rate, 12.0, mix=Mix(critical_rps=3.0 * replicas)),
            gateways=replicas,
            replicas=replicas,
            orders=OrdersModel(replicas=replicas),
            window_s=(4.0, 12.0),
        )

    small, large = simulate(storm(2), 1), simulate(storm(8), 1)
    assert large.goodput_rps / 8 == pytest.approx(small.goodput_rps / 2, rel=0.1)
    chats = [r.classes["chat"] for r in (small, large)]
    refused = [c.refused / c.offered for c in chats]
    assert refused[1] == pytest.approx(refused[0], abs=0.08)
    assert chats[1].p50_s == pytest.approx(chats[0].p50_s, rel=0.2)
