"""The parts of the simulated shop, each with its speeds and sizes."""

from __future__ import annotations

from dataclasses import dataclass

from teastorm.simulate.checks import above, at_least
from teastorm.simulate.errors import ScenarioInvalid


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
        above(self, "max_num_seqs", self.max_num_seqs)
        above(self, "itl_s", self.itl_s)
        above(self, "cpu_request_milli", self.cpu_request_milli)
        at_least(self, "slowdown", self.slowdown, 1)
        for name in ("max_waiting", "ttft_s", "deadline_margin_s", "call_s", "startup_s"):
            at_least(self, name, getattr(self, name), 0)
        for name in ("cpu_idle_milli", "cpu_busy_milli"):
            at_least(self, name, getattr(self, name), 0)

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
            above(self, name, getattr(self, name))
        at_least(self, "call_s", self.call_s, 0)


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
            above(self, name, getattr(self, name))
        if not 0 < self.resume_share < self.pause_share <= self.full_share:
            raise ScenarioInvalid(
                "StreetModel: resume_share < pause_share <= full_share is needed, got"
                f" {self.resume_share:g}, {self.pause_share:g}, {self.full_share:g}."
            )
