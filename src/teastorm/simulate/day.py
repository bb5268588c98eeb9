"""The seed's day at any size: so many orders, capacity a third of the peak, by similarity."""

from __future__ import annotations

import math
from dataclasses import replace

from teastorm.load.curve import DemandCurve
from teastorm.load.settings import Mix
from teastorm.simulate.demand import Demand
from teastorm.simulate.models import InferenceModel
from teastorm.simulate.scenario import Scenario

DAY_S = 7200.0
_PEAK_OVER_CAPACITY = 3.0
"""Reported: capacity was a third of the estimated peak."""
_FEWEST = 2
_CHECKOUTS = 0.2
"""Checkouts a second as a share of capacity: two thirds of the most that DEFINITIONS.md allows."""


def day(
    curve: DemandCurve,
    *,
    orders: float,
    seconds: float | None = None,
    replicas: int | None = None,
    inference: InferenceModel | None = None,
    tokens: int = 40,
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
        replicas = max(_FEWEST, round(peak_rps / (_PEAK_OVER_CAPACITY * one_rps)))
        least_rps = _PEAK_OVER_CAPACITY * one_rps * _FEWEST
        if seconds is None and peak_rps < least_rps:
            length_s = orders / (peaks * least_rps)
    capacity_rps = one_rps * replicas
    mix = Mix(
        critical_rps=_CHECKOUTS * capacity_rps,
        shops=tuple(f"shop-{n}" for n in range(1, 1 + max(8, math.ceil(capacity_rps / 8)))),
    )
    demand = Demand.of_curve(curve, orders=orders, seconds=length_s, mix=mix)
    base = Scenario(demand=demand, inference=model, gateways=replicas, replicas=replicas)
    return replace(base, orders=replace(base.orders, replicas=replicas))
