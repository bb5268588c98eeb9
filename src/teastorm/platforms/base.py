"""What every platform is: one interface, and the words it is told in (plan, replica, event).

Written once, implemented by `platforms.local` (processes on this machine), `platforms.kubernetes`
and `platforms.memory` (nothing runs; for tests). The contract suite in `tests/platforms` holds
every implementation to the same answers. Whoever uses a platform imports the words from here.
"""

import signal as signals
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from teastorm.observe.target import ScrapeTarget
from teastorm.platforms.errors import PlatformError
from teastorm.platforms.faults import AnyFault
from teastorm.platforms.plan import SERVICES, WITH_LEDGER, ShopPlan
from teastorm.platforms.replica import Event, EventKind, JsonObject, JsonValue, Replica

__all__ = [
    "SERVICES",
    "WITH_LEDGER",
    "Event",
    "EventKind",
    "JsonObject",
    "JsonValue",
    "Leftovers",
    "Platform",
    "PlatformError",
    "Replica",
    "ShopPlan",
]


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

    def set_fault(self, service: str, spec: AnyFault, replica_id: str | None = None) -> None:
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
