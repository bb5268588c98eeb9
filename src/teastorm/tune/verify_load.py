"""What a verification on a cluster offers and installs: the demand as a load, the choice as values."""

from __future__ import annotations

import math

import numpy as np
import yaml

from teastorm.load.curve import DemandCurve
from teastorm.load.plan import LoadPlan, Phase
from teastorm.tune.demand import rates_at
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.service import Service
from teastorm.tune.session import Session

LONGEST_S = 4 * 3600.0
STEP_S = 15.0
BUSY_MILLI = 80.0
REQUEST_COST_MILLI = 1.2
"""CPU of one answer a second, beside what the mock burns (charts/teashop/values.yaml)."""


def plan_of(session: Session, seconds: float | None) -> LoadPlan:
    """The demand as a load, stepped each quarter of a minute."""
    demand = session.service.scenario.demand
    length_s = demand.seconds if seconds is None else seconds
    if length_s > LONGEST_S:
        raise TuneInvalid(
            f"--verify: the demand lasts {demand.seconds / 3600:.1f} hours; say in how many minutes "
            "to replay it with --verify-minutes"
        )
    count = max(2, math.ceil(length_s / STEP_S) + 1)
    at_s = np.linspace(0.0, demand.seconds, count)
    rates = rates_at(demand, at_s)
    curve = DemandCurve(
        name=demand.name,
        minutes=tuple(map(float, range(count))),
        rates=tuple(map(float, rates / rates.max())),
    )
    phase = Phase(name="demand", seconds=length_s, factor=1.0, curve=curve, fault=True)
    return LoadPlan(
        capacity_rps=float(rates.max()),
        phases=(phase,),
        mix=demand.mix,
        clients=session.service.scenario.clients,
    )


def values_of(chosen: str, service: Service) -> tuple[float, str]:
    """What the mock has to burn (`burn_share`), and the values file: the HPA and a request.

    A full mock uses of its request what a full replica of the model uses of its own.
    """
    model = service.model
    cost = REQUEST_COST_MILLI * service.replica_rps
    busy = max(BUSY_MILLI, 1.5 * cost)
    request = max(1, round(busy * model.cpu_request_milli / max(1, model.cpu_busy_milli)))
    content = yaml.safe_load(chosen)
    content["inference"]["resources"] = {
        "requests": {"cpu": f"{request}m", "memory": "96Mi"},
        "limits": {"memory": "256Mi"},
    }
    head = "# The chosen autoscaler, and a CPU request that fits the mock (`teastorm tune --verify`).\n"
    return round((busy - cost) / 1000, 4), head + yaml.safe_dump(content, sort_keys=False)
