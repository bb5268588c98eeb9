import dataclasses

import pytest

from teastorm.load.settings import Mix
from teastorm.simulate.demand import Demand
from teastorm.simulate.models import InferenceModel
from teastorm.simulate.scenario import Scenario
from teastorm.tune.service import Service


@pytest.fixture
def service():
    """A small day: calm, a crowd of three replicas' worth, calm; replicas of 16/s."""
    points = [(0, 6.0), (120, 6.0), (150, 40.0), (420, 40.0), (450, 6.0), (600, 6.0)]
    demand = Demand.of_rates("a crowd", points, mix=Mix(critical_rps=0.5))
    model = InferenceModel(max_num_seqs=8, startup_s=30.0)
    return Service(
        scenario=Scenario(demand=demand, inference=model, replicas=1, gateways=2),
        assumed=("everything",),
    )


@pytest.fixture
def shortened(service):
    """The same in a tenth of the time, for what only has to run."""
    steps = tuple(
        type(s)(s.start_s / 10, s.end_s / 10, s.rps) for s in service.scenario.demand.steps
    )
    demand = dataclasses.replace(service.scenario.demand, steps=steps)
    return dataclasses.replace(
        service, scenario=dataclasses.replace(service.scenario, demand=demand)
    )
