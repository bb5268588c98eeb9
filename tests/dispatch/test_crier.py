"""Notices go out before a crowd, and seldom for nothing."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from teashop.dispatch.crier import Crier
from teashop.dispatch.notices import Notice
from teashop.dispatch.settings import DispatchSettings
from teashop.dispatch.shops import Shop, accept, advance, crossed
from teashop.dispatch.street import Street

SETTINGS = DispatchSettings()
STREET = Street.of(SETTINGS)
CAPACITY_PER_S = STREET.rules.drinks_per_s
START_S = 1_000_000_000.0
DRINKS = (1, 1, 2, 3)


@dataclass
class Told:
    """What happened at one shop; moments are seconds from the start."""

    shop: Shop
    merchants: list[Notice] = field(default_factory=list)
    couriers: list[Notice] = field(default_factory=list)
    passed_s: list[float] = field(default_factory=list)

    def crowds(self) -> list[Notice]:
        return [n for n in self.merchants if n.kind == "crowd"]


def live(
    demand: Callable[[float], float],
    seconds: float,
    seed: int,
    *,
    told: Told | None = None,
    from_s: float = 0.0,
    warned: set[str] | None = None,
) -> Told:
    """Poisson orders of `demand(t)` drinks a second at one shop without a door, a tick at a time."""
    rng = random.Random(seed)
    crier = Crier.of(SETTINGS, STREET)
    crier.take_over(warned or set())
    told = told or Told(Shop(name="shop-1", as_of_s=START_S))
    for tick in range(1, int(seconds / SETTINGS.tick_s) + 1):
        end_s = START_S + from_s + tick * SETTINGS.tick_s
        order_s = end_s - SETTINGS.tick_s
        per_s = demand(order_s - START_S) / (sum(DRINKS) / len(DRINKS))
        while per_s > 0 and (order_s := order_s + rng.expovariate(per_s)) <= end_s:
            shop = advance(told.shop, order_s, STREET.rules, STREET.pace)
            told.shop, passed = crossed(accept(shop, rng.choice(DRINKS)), STREET.rules)
            if passed:
                told.passed_s.append(order_s - START_S)
        shop, _ = crossed(advance(told.shop, end_s, STREET.rules, STREET.pace), STREET.rules)
        told.shop = replace(shop, demand_per_s=crier.measure(shop, end_s))
        for notice in crier.hear(told.shop, end_s):
            (told.merchants if notice.audience == "merchant" else told.couriers).append(notice)
    return told


def ramp(peak: float, over_s: float) -> Callable[[float], float]:
    """Half of the shop's capacity, from the thirtieth second rising to `peak` capacities."""

    def demand(t_s: float) -> float:
        share = 0.5 + (peak - 0.5) * max(0.0, t_s - 30.0) / over_s
        return CAPACITY_PER_S * min(peak, share)

    return demand


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("peak", "over_s"), [(1.5, 20), (2, 5), (2, 20), (3.3, 5), (2.5, 1)])
def test_a_ramp_is_announced_before_the_queue_passes(peak: float, over_s: float, seed: int) -> None:
    told = live(ramp(peak, over_s), 90, seed)
    assert told.passed_s
    before = [n for n in told.crowds() if n.t_unix_s - START_S < told.passed_s[0]]
    assert before
    lead_s = told.passed_s[0] - (before[-1].t_unix_s - START_S)
    assert lead_s >= SETTINGS.run_s(1.0)


def test_a_warning_names_shop_rate_and_time_to_both_audiences() -> None:
    told = live(ramp(2, 10), 60, 1)
    first = told.crowds()[0]
    assert first.shop == "shop-1"
    assert first.rate_drinks_per_h > first.capacity_drinks_per_h == 360.0
    assert first.eta_s is not None
    assert 0 < first.eta_s <= SETTINGS.run_s(SETTINGS.notice_lead_minutes)
    assert first.expected_at == pytest.approx(first.t_unix_s + first.eta_s)
    assert [replace(n, audience="merchant") for n in told.couriers] == told.merchants


@pytest.mark.parametrize(("load", "alarms_at_most"), [(0.3, 0), (0.5, 1), (0.7, 6), (0.8, 10)])
def test_false_alarms_are_bounded_for_flat_and_noisy_demand(
    load: float, alarms_at_most: int
) -> None:
    # Ten shops for 300 s each: fifty hours of shop time.
    everybody = [live(lambda _: load * CAPACITY_PER_S, 300, seed) for seed in range(10)]
    assert not any(told.passed_s for told in everybody)
    assert sum(len(told.crowds()) for told in everybody) <= alarms_at_most


def test_a_false_alarm_is_withdrawn() -> None:
    # A burst that would pass, had it gone on.
    told = live(lambda t: CAPACITY_PER_S * (3.0 if 30 < t < 34 else 0.2), 90, 3)
    assert not told.passed_s
    assert [n.kind for n in told.merchants] == ["crowd", "withdrawn"]


def test_the_next_leader_repeats_no_warning_and_withdraws_it_in_the_end() -> None:
    told = live(ramp(2, 10), 50, 1)
    assert [n.kind for n in told.merchants] == ["crowd"]
    live(lambda _: 2 * CAPACITY_PER_S, 10, 2, told=told, from_s=50, warned={"shop-1"})
    assert [n.kind for n in told.merchants] == ["crowd"]
    live(lambda _: 0.0, 120, 3, told=told, from_s=60, warned={"shop-1"})
    assert [n.kind for n in told.merchants] == ["crowd", "withdrawn"]


def test_the_first_look_of_a_new_leader_takes_the_demand_it_finds() -> None:
    crier = Crier.of(SETTINGS, STREET)
    crier.take_over(set())
    shop = Shop(name="shop-1", as_of_s=START_S, offered=5000.0, demand_per_s=4.0)
    assert crier.measure(shop, START_S) == 4.0
