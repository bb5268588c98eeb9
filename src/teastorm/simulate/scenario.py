"""What is simulated: the demand, the clients, the shop, its autoscaler, and what goes wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from teashop.resilience.front_config import FrontConfig
from teashop.resilience.protections import Protections
from teastorm.load.settings import Clients, Mix
from teastorm.simulate.demand import Demand
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.scaling import Scaling


def _above(owner: object, name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ScenarioInvalid(f"{type(owner).__name__}.{name} must be above 0, got {value:g}.")


def _at_least(owner: object, name: str, value: float, least: float) -> None:
    if not (math.isfinite(value) and value >= least):
        raise ScenarioInvalid(
            f"{type(owner).__name__}.{name} must be at least {least:g}, got {value:g}."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceModel:
    """One inference replica; seconds are those of a sequence that runs alone.

    Attributes:
        max_num_seqs: sequences that run at once.
        max_waiting: sequences that may wait; one more is refused.
        ttft_s, itl_s: work before the first token, and for each token.
        slowdown: how many times longer each step takes at a full batch.
        deadline_margin_s: kept of the caller's remaining time for the answer's way back.
        call_s: what a call from the gateway costs on top (connection, JSON, event loops).
        startup_s: from being asked for to being ready (on the local platform the process takes .8 s
            and loading the model one).
        cpu_idle_milli, cpu_busy_milli, cpu_request_milli: what an idle replica uses, what a full
            batch adds, and what the pod asks for; for autoscaling by CPU.
    """

    max_num_seqs: int = 16
    max_waiting: int = 256
    ttft_s: float = 0.08
    itl_s: float = 0.008
    slowdown: float = 1.25
    deadline_margin_s: float = 0.02
    call_s: float = 0.004
    startup_s: float = 1.8
    cpu_idle_milli: int = 20
    cpu_busy_milli: int = 980
    cpu_request_milli: int = 1000

    def __post_init__(self) -> None:
        """Refuse what no server can be."""
        _above(self, "max_num_seqs", self.max_num_seqs)
        _above(self, "itl_s", self.itl_s)
        _above(self, "cpu_request_milli", self.cpu_request_milli)
        _at_least(self, "slowdown", self.slowdown, 1)
        for name in ("max_waiting", "ttft_s", "deadline_margin_s", "call_s", "startup_s"):
            _at_least(self, name, getattr(self, name), 0)
        for name in ("cpu_idle_milli", "cpu_busy_milli"):
            _at_least(self, name, getattr(self, name), 0)

    def capacity_rps(self, replicas: int, tokens: int) -> float:
        """K_th of DEFINITIONS.md: N·B / (f·(TTFT + tokens·ITL)) answers a second."""
        held_s = self.slowdown * (self.ttft_s + tokens * self.itl_s)
        return replicas * self.max_num_seqs / held_s


@dataclass(frozen=True, kw_only=True, slots=True)
class OrdersModel:
    """The orders service: a pool of database threads a replica.

    Attributes:
        replicas, threads: transactions at once are replicas x threads.
        waiting: requests a replica holds at most; more are refused.
        transaction_s: mean time of a transaction; they vary as an exponential does.
        call_s: what a call from the gateway costs on top.
    """

    replicas: int = 2
    threads: int = 4
    waiting: int = 64
    transaction_s: float = 0.003
    call_s: float = 0.002

    def __post_init__(self) -> None:
        """Refuse what no service can be."""
        for name in ("replicas", "threads", "waiting", "transaction_s"):
            _above(self, name, getattr(self, name))
        _at_least(self, "call_s", self.call_s, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreetModel:
    """Shops and couriers, in seconds of the run's clock and drinks.

    Attributes:
        drinks_per_s: what one shop makes.
        capacity_drinks: a longer queue is past the shop's capacity.
        pause_share, resume_share, full_share: marks of the queue, as shares of it.
        couriers_per_shop: who wait at each shop.
        delivery_s, return_s: from the shop to the customer, and back.
        promise_margin, promise_slack_s: what a promise adds to the estimate.
    """

    drinks_per_s: float = 6.0
    capacity_drinks: float = 60.0
    pause_share: float = 1.25
    resume_share: float = 0.7
    full_share: float = 1.5
    couriers_per_shop: int = 90
    delivery_s: float = 10.0
    return_s: float = 5.0
    promise_margin: float = 0.2
    promise_slack_s: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what no street can be."""
        for name in ("drinks_per_s", "capacity_drinks", "couriers_per_shop", "delivery_s"):
            _above(self, name, getattr(self, name))
        if not 0 < self.resume_share < self.pause_share <= self.full_share:
            raise ScenarioInvalid(
                "StreetModel: resume_share < pause_share <= full_share is needed, got"
                f" {self.resume_share:g}, {self.pause_share:g}, {self.full_share:g}."
            )


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
        _at_least(self, "at_s", self.at_s, 0)
        _at_least(self, "count", self.count, 1)
        if self.startup_s is not None:
            _at_least(self, "startup_s", self.startup_s, 0)


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
        _at_least(self, "gateways", self.gateways, 1)
        _at_least(self, "replicas", self.replicas, 0 if self.scaling else 1)
        _at_least(self, "hop_s", self.hop_s, 0)
        _at_least(self, "discovery_s", self.discovery_s, 0)
        _at_least(self, "restart_s", self.restart_s, 0)
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
