"""A day made shorter: what shrinks with it and what does not."""

import dataclasses

import pytest

from teastorm.tune.compress import compressed, factor_for
from teastorm.tune.setting import Setting


def test_compression_shortens_periods_and_not_rates(service):
    scenario = dataclasses.replace(
        service.scenario, scaling=Setting(ahead_s=60, ahead_replicas=3).scaling(service)
    )
    short = compressed(scenario, 5)
    assert short.demand.seconds == scenario.demand.seconds / 5
    assert short.demand.peak_rps == scenario.demand.peak_rps
    assert short.inference.startup_s == 6
    assert short.inference.ttft_s == scenario.inference.ttft_s
    assert (short.scaling.sync_s, short.scaling.lag_s) == (3, 1)
    down = short.scaling.spec.behaviour.down
    assert (down.stabilization_window_s, down.policies[0].period_s) == (60, 3)
    assert short.scaling.start_up.cpu_initialization_period_s == 60
    assert compressed(scenario, 1) is scenario


def test_the_factor_follows_the_size_of_the_demand(service):
    demand = service.scenario.demand
    assert factor_for(demand, requests=1e9) == 1
    assert factor_for(demand, requests=demand.orders / 3) == pytest.approx(3)
    assert factor_for(demand, requests=1) == 12
