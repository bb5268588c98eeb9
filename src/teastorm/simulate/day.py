"""A shop for a demand, by similarity: capacity a third of the peak, the rest in proportion."""

from __future__ import annotations

import math
from dataclasses import replace

from teastorm.load.curve import DemandCurve
from teastorm.load.settings import Mix
from teastorm.simulate.demand import Demand
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.models import InferenceModel
from teastorm.simulate.scaling import MOST_REPLICAS
from teastorm.simulate.scenario import Scenario

DAY_S = 7200.0
_PEAK_OVER_CAPACITY = 3.0
"""Reported: capacity was a third of the estimated peak."""
FEWEST = 2
"""Replicas of a service; one alone is another system."""
_CHECKOUTS = 0.2
"""Checkouts a second as a share of capacity: two thirds of the most that DEFINITIONS.md allows."""
_PER_GATEWAY = 20
"""Chats in flight that a gateway's adaptive limit lets through at ease."""
TOKENS = 40


def day(
    curve: DemandCurve,
    *,
    orders: float,
    seconds: float | None = None,
    replicas: int | None = None,
    inference: InferenceModel | None = None,
    tokens: int = TOKENS,
) -> Scenario:
    """`orders` along `curve`, and a shop whose capacity is a third of the peak.

    Gateways, orders and inference replicas, shops and checkouts grow together, so each replica sees
    what it would see in a smaller shop. A day too small for two replicas in two hours is shortened
    instead, since less than two replicas are another system.

    Args:
        seconds: the day's length; by default two hours, or as much shorter as that rule says.
        replicas: of inference; by default from the rule.
    """
    model = inference or InferenceModel()
    one_rps = model.capacity_rps(1, tokens)
    peaks = curve.total(peak_rps=1.0) / curve.seconds
    length_s = DAY_S if seconds is None else seconds
    peak_rps = orders / (peaks * length_s)
    if replicas is None:
        fix = "give fewer orders, a longer day (--hours) or --replicas"
        replicas = _replicas_for(peak_rps, one_rps, fix)
        least_rps = _PEAK_OVER_CAPACITY * one_rps * FEWEST
        if seconds is None and peak_rps < least_rps:
            length_s = orders / (peaks * least_rps)
    demand = Demand.of_curve(curve, orders=orders, seconds=length_s)
    return _shop(demand, replicas, model, one_rps)


def of_rates(demand: Demand, *, replicas: int | None = None) -> Scenario:
    """A demand of its own size, as it is, and a shop whose capacity is a third of its peak.

    Args:
        replicas: of inference; by default from that rule, and at least two.
    """
    model = InferenceModel()
    one_rps = model.capacity_rps(1, TOKENS)
    if replicas is None:
        replicas = _replicas_for(demand.peak_rps, one_rps, "lower its rates or give --replicas")
    return _shop(demand, replicas, model, one_rps)


def wide_enough(scenario: Scenario, most: int, *, orders: bool = True) -> Scenario:
    """The shop around an AI that may have `most` replicas, so wide that the AI decides.

    `teastorm simulate --hpa` and `teastorm tune` both have it from here: gateways for the replicas
    that an autoscaler may ask for and the demand could use, whatever the number that it begins
    with. Not for more: each gateway brings a limit of its own, and many around little AI are another
    shop. Fewer gateways and orders replicas than there are become none.

    Args:
        orders: whether the replicas of orders may grow too.
    """
    places = min(most, useful(scenario)) * scenario.inference.max_num_seqs
    gateways = max(scenario.gateways, math.ceil(places / _PER_GATEWAY))
    model = scenario.orders
    if orders:
        model = replace(model, replicas=max(model.replicas, gateways // 2))
    return replace(scenario, gateways=gateways, orders=model)


def useful(scenario: Scenario) -> int:
    """As many replicas as its demand could ever use: half as many again as its peak needs."""
    one_rps = scenario.inference.capacity_rps(1, scenario.front.tokens_full)
    return math.ceil(1.5 * scenario.demand.peak_rps / one_rps)


def _replicas_for(peak_rps: float, one_rps: float, fix: str) -> int:
    wanted = peak_rps / (_PEAK_OVER_CAPACITY * one_rps)
    if wanted > MOST_REPLICAS:
        raise ScenarioInvalid(
            f"a peak of {peak_rps:.3g}/s wants {wanted:.3g} inference replicas, {MOST_REPLICAS} is "
            f"the most; {fix}."
        )
    return max(FEWEST, round(wanted))


def _shop(demand: Demand, replicas: int, model: InferenceModel, one_rps: float) -> Scenario:
    """Everything around so many replicas in proportion to what they can serve."""
    capacity_rps = one_rps * replicas
    mix = Mix(
        critical_rps=_CHECKOUTS * capacity_rps,
        shops=tuple(f"shop-{n}" for n in range(1, 1 + max(8, math.ceil(capacity_rps / 8)))),
    )
    base = Scenario(
        demand=replace(demand, mix=mix), inference=model, gateways=replicas, replicas=replicas
    )
    return replace(base, orders=replace(base.orders, replicas=replicas))
