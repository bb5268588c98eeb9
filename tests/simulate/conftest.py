"""Small shops, simulated quickly."""

from dataclasses import replace

import pytest

from teastorm.load.settings import Mix
from teastorm.simulate import Demand, Scenario, Step

MIX = Mix(critical_rps=6.0)


def storm(**changes: object) -> Scenario:
    """Five seconds below capacity, eight at three times of it, seven below."""
    demand = Demand(
        name="storm",
        steps=(Step(0.0, 5.0, 45.0), Step(5.0, 13.0, 190.0), Step(13.0, 20.0, 45.0)),
        mix=MIX,
    )
    return replace(Scenario(demand=demand, window_s=(5.0, 13.0)), **changes)


@pytest.fixture
def make_storm():
    return storm
