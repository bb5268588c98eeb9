"""What is simulated: the demand, the clients, the shop, its autoscaler, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from teashop.resilience.front_config import FrontConfig
from teashop.resilience.protections import Protections
from teastorm.load.settings import Clients, Mix
from teastorm.simulate.checks import at_least
from teastorm.simulate.demand import Demand
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.models import InferenceModel, OrdersModel, StreetModel
from teastorm.simulate.scaling import Scaling


class Happening(StrEnum):
    """What can happen to the inference replicas."""

    KILL = "kill"
    SCALE = "scale"


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happens to inference at a time, in seconds from the load's start.

    Attributes:
        kind: kill loses `count` replicas at once (they start anew); scale asks for `count` in all.
        startup_s: of the replicas that start because of it, restart and all; None: the model's.
    """

    at_s: float
    kind: Happening
    count: int = 1
    startup_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse a time before the load, or nothing."""
        at_least(self, "at_s", self.at_s, 0)
        at_least(self, "count", self.count, 1)
        if self.startup_s is not None:
            at_least(self, "startup_s", self.startup_s, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """One day in one shop.

    Attributes:
        demand: who comes when; it holds the mix too.
        clients: how impatient they are.
        front: the numbers of the gateways' policies.
        protections: which of them are on.
        gateways: gateway replicas.
        replicas: inference replicas at the start.
        scaling: the autoscaler of inference; None: fixed replicas.
        events: what happens to inference, in any order.
        hop_s: between client and gateway and back, the gateway's own work included.
        discovery_s: until a gateway sees that a replica came or went.
        restart_s: until another is begun in the place of a lost one (the local platform's pause; a
            ReplicaSet takes less, a kubelet that restarts a container ten seconds and more).
        window_s: start and end of the window that totals are taken over; None: the whole load.
    """

    demand: Demand
    clients: Clients = field(default_factory=Clients)
    front: FrontConfig = field(default_factory=FrontConfig)
    protections: Protections = field(default_factory=Protections)
    inference: InferenceModel = field(default_factory=InferenceModel)
    orders: OrdersModel = field(default_factory=OrdersModel)
    street: StreetModel = field(default_factory=StreetModel)
    gateways: int = 2
    replicas: int = 2
    scaling: Scaling | None = None
    events: tuple[Event, ...] = ()
    hop_s: float = 0.0015
    discovery_s: float = 0.1
    restart_s: float = 2.0
    window_s: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse a shop without anybody in it, or a window outside the load."""
        at_least(self, "gateways", self.gateways, 1)
        at_least(self, "replicas", self.replicas, 0 if self.scaling else 1)
        at_least(self, "hop_s", self.hop_s, 0)
        at_least(self, "discovery_s", self.discovery_s, 0)
        at_least(self, "restart_s", self.restart_s, 0)
        if self.window_s is not None and not (
            0 <= self.window_s[0] < self.window_s[1] <= self.demand.seconds
        ):
            raise ScenarioInvalid(
                f"Scenario.window_s must lie within the load's {self.demand.seconds:g} s,"
                f" got {self.window_s[0]:g} to {self.window_s[1]:g}."
            )

    @property
    def mix(self) -> Mix:
        """Who asks for what."""
        return self.demand.mix
