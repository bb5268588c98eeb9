"""What a run folder's JSON files say, as frozen records. Times in seconds since the run's start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FAULT_KINDS = (
    "surge",
    "replica-loss",
    "loss-of-all",
    "container-kill",
    "rolling-restart",
    "node-drain",
    "database-outage",
    "hang",
    "crash",
    "latency",
    "errors",
    "edge-latency",
    "edge-errors",
    "partition",
    "name-resolution",
)

type Json = str | int | float | bool | list[Json] | dict[str, Json] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The half-open interval [start_s, end_s)."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not self.end_s >= self.start_s:
            raise ValueError(f"a window must end after it starts, got {self.start_s}..{self.end_s}")

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s

    def overlap_s(self, other: Window) -> float:
        """Seconds that both share."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """The mock AI's own numbers; service time of one full answer is ttft_s + tokens · itl_s."""

    max_num_seqs: int
    ttft_s: float
    itl_s: float
    tokens_full: float
    tokens_short: float
    slowdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """K as measured: chat requests a second with a good share of at least .98."""

    rps: float
    good_share: float
    theory_rps: float
    smallest_step: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMeta:
    """run.json."""

    experiment: str
    platform: str
    arm: str
    seed: int
    started: str
    protections: Mapping[str, bool]
    difference: Mapping[str, Json]
    replicas: Mapping[str, int]
    inference: Inference
    capacity: Capacity
    capacity_raw: Mapping[str, Json]
    checks: tuple[str, ...]
    time_factor: float
    deadlines_s: Mapping[str, float]
    versions: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of the plan; `chat_rps` is None where only a curve knows the rate."""

    name: str
    window: Window
    factor: float
    chat_rps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """plan.json."""

    phases: tuple[Phase, ...]
    base_factor: float
    fault: Window
    classes: Mapping[str, int]
    arrivals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSummary:
    """load.json: what the generator says of itself.

    `absent` counts follow-ups (a payment, a status) whose order never came to be; `interrupted`
    says that it was ended before its time.
    """

    planned: int
    sent: int
    unsent: int
    absent: int
    lag_p99_s: float
    cpu_share: float
    stolen_share: float
    workers: int
    seconds: float
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of faults.json; a time is None when it never happened.

    `healed_s` is when the shop was seen whole again; folders from before it was kept have none.
    """

    id: str
    kind: str
    service: str
    planned: Mapping[str, Json]
    began_s: float | None
    ended_s: float | None
    before: tuple[str, ...]
    after: tuple[str, ...]
    proved: bool
    evidence: str
    rolled_back: bool
    healed_s: float | None = None

    @property
    def is_surge(self) -> bool:
        """Whether the fault is load rather than something broken."""
        return self.kind == "surge"

    @property
    def is_out(self) -> bool:
        """Whether every replica of the service was taken."""
        return self.kind in {"loss-of-all", "out"}

    @property
    def is_loss(self) -> bool:
        """Whether replicas were taken."""
        return self.is_out or "loss" in self.kind or "kill" in self.kind

    @property
    def replaces(self) -> bool:
        """Whether it leaves other processes behind than it found."""
        return self.is_loss or self.kind == "rolling-restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row of events.json."""

    t_s: float
    kind: str
    service: str
    replica: str
    details: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the audit shows it."""

    order_id: str
    key: str
    coupon: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An order at its shop; `kept` says whether its promise held, None while that is open."""

    order_id: str
    shop: str
    revisions: int
    kept: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to merchants and couriers: which shop, at what rate, how soon."""

    t_s: float
    kind: str
    shop: str
    rate: float | None
    eta_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """The moment a shop's queue passed its capacity."""

    t_s: float
    shop: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """ledger.json: the shop's books after the run, and what asking again with each key gave.

    `passings` is None where dispatch kept no record of them.
    """

    orders: tuple[Order, ...]
    coupon_budget: int
    coupon_spent: int
    outbox_pending: int
    outbox_delivered: int
    assignments: tuple[Assignment, ...]
    notices: tuple[Notice, ...]
    passings: tuple[Passing, ...] | None
    settled: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An activity of the journal."""

    name: str
    succeeded: bool
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Chaos Toolkit's journal, as far as a verdict needs it.

    `probes` are all activities of the method and of the steady state; `actions` those that did
    something to the shop or the load.
    `checks` and `rollbacks_wanted` are what the experiment in it declares, `faults` what its
    activities said: whether each was proved, by id.
    """

    status: str
    deviated: bool
    probes: tuple[Probe, ...]
    actions: tuple[Probe, ...]
    rollbacks: tuple[Probe, ...]
    rollbacks_wanted: int
    checks: tuple[str, ...]
    faults: Mapping[str, bool]

    @property
    def interrupted(self) -> bool:
        """Whether a person or a signal ended the run."""
        return self.status == "interrupted"
