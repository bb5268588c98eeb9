"""What every platform is: the words (replica, plan, event) and the one interface.

Written once, implemented by `platforms.local` (processes on this machine), `platforms.kubernetes`
and `platforms.memory` (nothing runs; for tests). The contract suite in `tests/platforms` holds
every implementation to the same answers.
"""

import math
import signal as signals
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol

from teastorm.observe.target import ScrapeTarget

if TYPE_CHECKING:
    from teastorm.platforms.faults import AnyFault

SERVICES = ("orders", "dispatch", "inference", "gateway")
"""Every service of the shop, in the order they are started: what is called before its callers."""

DEFAULT_REPLICAS = 2

type EventKind = Literal[
    "replica_started",
    "replica_ready",
    "replica_unready",
    "replica_restarted",
    "replica_gone",
    "scale",
    "fault_set",
]
type JsonValue = bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"] | None
type JsonObject = Mapping[str, JsonValue]


class PlatformError(Exception):
    """Something the platform cannot do, as one sentence for a person and an exit code for CI.

    Exit codes: 2 usage, 3 precondition (a tool or a healthy shop is missing), 5 the system may
    still be faulty, 70 internal.
    """

    def __init__(self, exit_code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
        self.sentence = sentence


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One running copy of a service, as the platform saw it last.

    `started_unix_s` is when its process began (seconds since 1970). `pid` is None where the
    platform has no process ids to show; there `uid` is the pod's and `restarts` counts the starts
    of its container. Immutable: safe to share.
    """

    service: str
    replica_id: str
    host: str
    port: int
    admin_port: int
    pid: int | None
    started_unix_s: float
    ready: bool
    uid: str = ""
    restarts: int = 0

    @property
    def identity(self) -> str:
        """What changes when a replica is replaced, even under the same name.

        `pid@start` of a process, `uid/restarts` of a pod.
        """
        if self.uid:
            return f"{self.uid}/{self.restarts}"
        return f"{self.pid if self.pid is not None else self.replica_id}@{self.started_unix_s:.2f}"

    @property
    def endpoint(self) -> str:
        """`host:port`, as clients dial it."""
        return f"{self.host}:{self.port}"


def _two_each() -> Mapping[str, int]:
    return MappingProxyType(dict.fromkeys(SERVICES, DEFAULT_REPLICAS))


def _nothing[V]() -> Mapping[str, V]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class ShopPlan:
    """The shop that is wanted: how many of what, with which settings.

    `replicas` names the services to run and how many of each (0 is allowed). `protections` holds
    switches by name; those not named keep the shop's defaults. `settings` holds extra fields per
    service, laid over the generated ones. `time_factor` compresses start-up delays (2 halves
    them). `startup_s` is how long a replacement or an added replica takes before its process
    starts (the pod's scheduling and image pull), per service, before compression. `run_dir`
    receives logs/ and settings/; None means a temporary folder that `tear_down` removes.
    """

    replicas: Mapping[str, int] = field(default_factory=_two_each)
    protections: Mapping[str, bool] = field(default_factory=_nothing)
    seed: int = 1
    time_factor: float = 1.0
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=_nothing)
    startup_s: Mapping[str, float] = field(default_factory=_nothing)
    run_dir: Path | None = None

    def __post_init__(self) -> None:
        if not self.replicas:
            raise ValueError("a plan must name at least one service under replicas")
        for service, count in self.replicas.items():
            if count < 0:
                raise ValueError(f"replicas.{service} must be 0 or more, got {count}")
        if not (math.isfinite(self.time_factor) and self.time_factor > 0):
            raise ValueError(f"time_factor must be above 0, got {self.time_factor}")
        for service, delay_s in self.startup_s.items():
            if not (math.isfinite(delay_s) and delay_s >= 0):
                raise ValueError(f"startup_s.{service} must be 0 or more, got {delay_s}")
        for service in self.settings:
            if service not in self.replicas:
                raise ValueError(f"settings.{service} is for a service the plan does not run")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to a replica. `at_s` is this process's `time.monotonic()`."""

    at_s: float
    kind: EventKind
    service: str
    replica_id: str = ""
    pid: int | None = None
    started_unix_s: float | None = None
    detail: str = ""
    uid: str = ""

    def as_json(self, *, t0_s: float = 0.0) -> dict[str, JsonValue]:
        """A row of events.json; `t_s` is relative to `t0_s` (monotonic)."""
        row: dict[str, JsonValue] = {
            "t_s": round(self.at_s - t0_s, 6),
            "kind": self.kind,
            "service": self.service,
            "replica": self.replica_id,
            "pid": self.pid,
            "start_time": self.started_unix_s,
        }
        if self.uid:
            row["uid"] = self.uid
        if self.detail:
            row["detail"] = self.detail
        return row


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What a tear-down could not remove, each as a short text. Empty is the good answer."""

    processes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.processes or self.files or self.ports)


class Platform(Protocol):
    """Where a shop runs. Every method may be called from any thread; each blocks, bounded.

    All raise `PlatformError` with one sentence; a service that the plan does not run, or an
    unknown replica, is exit code 2.
    """

    @property
    def name(self) -> str:
        """`local`, `kubernetes` or `memory`."""
        ...

    @property
    def place(self) -> str:
        """What a measured capacity holds for: `local`, or which cluster."""
        ...

    @property
    def endpoints_file(self) -> Path:
        """JSON `{"gateway": ["127.0.0.1:7001"], …}` of READY replicas, replaced atomically."""
        ...

    @property
    def door_file(self) -> Path:
        """As `endpoints_file`, but where customers outside reach the gateway.

        The same file where replicas can be reached from here; a Service's address on a cluster.
        """
        ...

    @property
    def ready_within_s(self) -> float:
        """How long a whole shop may take to become ready here."""
        ...

    def deploy(self, plan: ShopPlan) -> None:
        """Start the shop; does not wait for readiness (see `wait_ready`). Once per platform."""
        ...

    def replicas(self, service: str | None = None) -> list[Replica]:
        """Living replicas (of one service, or of all), oldest first."""
        ...

    def kill(self, replica_id: str, signal: int = signals.SIGKILL) -> Replica:
        """Signal one replica's process; returns it as it was just before. It will be replaced."""
        ...

    def scale(self, service: str, n: int, *, startup_s: float | None = None) -> None:
        """Want `n` replicas; those added start after `startup_s` (None: the plan's delay)."""
        ...

    def set_fault(self, service: str, spec: "AnyFault", replica_id: str | None = None) -> None:
        """Inject into every ready replica of `service`, or into one."""
        ...

    def clear_faults(self, service: str) -> None:
        """End injected faults in every replica of `service` that still answers, its edges' too."""
        ...

    def endpoints(self, service: str) -> list[str]:
        """`host:port` of the READY replicas, sorted."""
        ...

    def ask(self, endpoint: str, path: str, timeout_s: float) -> int:
        """GET `path` from the replica at `endpoint`; the status, 0 when nothing came in time."""
        ...

    def wait_ready(self, timeout_s: float, services: Sequence[str] | None = None) -> None:
        """Block until every wanted replica is ready; `PlatformError(3)` names those that are not."""
        ...

    def targets(self) -> list[ScrapeTarget]:
        """The metrics page of every living replica."""
        ...

    def events(self) -> list[Event]:
        """Everything that happened so far, oldest first."""
        ...

    def audit(self) -> dict[str, JsonObject]:
        """`GET /audit` of orders and of dispatch (those the plan runs), by service name."""
        ...

    def pause_replacing(self, service: str) -> None:
        """Dead replicas of `service` stay dead until `resume_replacing`."""
        ...

    def resume_replacing(self, service: str) -> None:
        """Replace dead replicas again."""
        ...

    def tear_down(self) -> Leftovers:
        """End everything this platform started. May be called twice, and after a failed deploy."""
        ...

    def successor(self) -> "Platform":
        """End what is deployed; the platform for the next deployment at the same place.

        What was there before this one is put back by the successor's `tear_down`, where putting it
        back and taking it away again would cost time. `PlatformError` (5) when something stays that
        the next deployment must not find.
        """
        ...
