"""The shop as a discrete-event model: its own policies, its own autoscaler, a virtual clock.

`simulate(Scenario(demand=…), seed)` gives a `Result`. Stable for `teastorm tune`.
"""

from teastorm import compiled

compiled.use()  # before any module that may be there compiled

from teastorm.autoscale.planned import Planned
from teastorm.simulate.demand import Demand, Step
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.models import InferenceModel, OrdersModel, StreetModel
from teastorm.simulate.result import ClassResult, Replicas, Result, Series
from teastorm.simulate.run import simulate
from teastorm.simulate.scaling import Scaling
from teastorm.simulate.scenario import Event, Happening, Scenario

__all__ = [
    "ClassResult",
    "Demand",
    "Event",
    "Happening",
    "InferenceModel",
    "OrdersModel",
    "Planned",
    "Replicas",
    "Result",
    "Scaling",
    "Scenario",
    "ScenarioInvalid",
    "Series",
    "Step",
    "StreetModel",
    "simulate",
]
