"""A platform where nothing runs: replicas are records and time is virtual. For tests.

The same contract as the local platform, minus sockets. `advance` moves its clock; `wait_ready`
advances it too, so that a wait costs no real time.
"""

import signal as signals
from collections.abc import Mapping, Sequence
from pathlib import Path

from teastorm.observe.target import ScrapeTarget
from teastorm.platforms.base import (
    WITH_LEDGER,
    Event,
    JsonObject,
    Leftovers,
    PlatformError,
    Replica,
    ShopPlan,
)
from teastorm.platforms.endpoints import EndpointsFile
from teastorm.platforms.faults import AnyFault, fault_body, fault_words, takers
from teastorm.platforms.reconcile import wanted_of
from teastorm.platforms.virtual import TICK_S, VirtualFleet

ENDING = frozenset({signals.SIGKILL, signals.SIGTERM, signals.SIGINT, signals.SIGQUIT})


class InMemoryPlatform:
    """`Platform` without processes. For one thread.

    `directory` receives the endpoints file. A replica is ready `ready_after_s` (virtual) after it
    started. `audits` is what `audit` gives.
    """

    name = place = "memory"
    ready_within_s = 60.0

    def __init__(
        self,
        directory: Path,
        *,
        ready_after_s: float = 0.5,
        audits: Mapping[str, JsonObject] | None = None,
    ) -> None:
        self.endpoints_file = self.door_file = directory / "endpoints.json"
        self.audits = dict(audits or {})
        self._ready_after_s = ready_after_s
        self._plan: ShopPlan | None = None
        self._fleet = VirtualFleet(EndpointsFile(self.endpoints_file), ready_after_s=ready_after_s)

    @property
    def now_s(self) -> float:
        """The virtual moment, 0 at the beginning."""
        return self._fleet.now_s

    def advance(self, seconds: float) -> None:
        """Let virtual time pass, in ticks of 50 ms."""
        self._fleet.advance(seconds)

    def faults(self, replica_id: str) -> list[AnyFault]:
        """Faults in force in one replica."""
        injected = self._fleet.record(replica_id).faults
        return [spec for spec, until_s in injected if until_s > self.now_s]

    def deploy(self, plan: ShopPlan) -> None:
        """See `Platform`."""
        if self._plan is not None:
            raise PlatformError(2, "this platform has already been deployed")
        self._plan = plan
        self._fleet.wanted |= wanted_of(plan, now_s=self.now_s)
        self._fleet.tick()

    def replicas(self, service: str | None = None) -> list[Replica]:
        """See `Platform`."""
        self._check(service)
        return self._fleet.replicas(service)

    def kill(self, replica_id: str, signal: int = signals.SIGKILL) -> Replica:
        """See `Platform`. SIGSTOP makes it unready until SIGCONT; other signals do nothing."""
        self._check(None)
        record = self._fleet.record(replica_id)
        before = record.replica
        if signal in ENDING:
            self._fleet.end(record)
        elif signal in {signals.SIGSTOP, signals.SIGCONT}:
            record.stopped = signal == signals.SIGSTOP
        self._fleet.tick()
        return before

    def scale(self, service: str, n: int, *, startup_s: float | None = None) -> None:
        """See `Platform`."""
        self._check(service)
        if n < 0:
            raise PlatformError(2, f"replicas must be 0 or more, got {n}")
        active = len(self.replicas(service))
        self._fleet.wanted[service].want(n, active=active, now_s=self.now_s, startup_s=startup_s)
        self._fleet.note("scale", service, None, f"to {n}")
        self._fleet.tick()

    def set_fault(self, service: str, spec: AnyFault, replica_id: str | None = None) -> None:
        """See `Platform`."""
        self._check(service)
        chosen = takers(service, self.replicas(service), replica_id)
        fault_body(spec, self.replicas)  # refuses a callee that is not there
        for replica in chosen:
            record = self._fleet.record(replica.replica_id)
            record.faults.append((spec, self.now_s + spec.duration_s))
        self._fleet.note("fault_set", service, None, fault_words(spec, len(chosen)))

    def clear_faults(self, service: str) -> None:
        """See `Platform`."""
        self._check(service)
        for record in self._fleet.of(service):
            record.faults.clear()

    def endpoints(self, service: str) -> list[str]:
        """See `Platform`."""
        return sorted(replica.endpoint for replica in self.replicas(service) if replica.ready)

    def ask(self, endpoint: str, path: str, timeout_s: float) -> int:  # noqa: ARG002 - nothing runs
        """See `Platform`; nothing answers here."""
        return 0

    def wait_ready(self, timeout_s: float, services: Sequence[str] | None = None) -> None:
        """See `Platform`; takes virtual time only."""
        asked = list(self._fleet.wanted) if services is None else list(services)
        until_s = self.now_s + timeout_s
        self._check(None)
        while any(len(self.endpoints(s)) != self._fleet.wanted[s].count for s in asked):
            if self.now_s >= until_s:
                short = [s for s in asked if len(self.endpoints(s)) != self._fleet.wanted[s].count]
                raise PlatformError(3, f"not ready after {timeout_s:g} s: {', '.join(short)}")
            self.advance(TICK_S)

    def targets(self) -> list[ScrapeTarget]:
        """See `Platform`; nothing answers there."""
        return [replica.target for replica in self.replicas()]

    def events(self) -> list[Event]:
        """See `Platform`; times are virtual."""
        return list(self._fleet.events)

    def audit(self) -> dict[str, JsonObject]:
        """See `Platform`: what the test put into `audits`."""
        self._check(None)
        return {s: self.audits.get(s, {}) for s in WITH_LEDGER if s in self._fleet.wanted}

    def pause_replacing(self, service: str) -> None:
        """See `Platform`."""
        self._check(service)
        self._fleet.wanted[service].paused = True

    def resume_replacing(self, service: str) -> None:
        """See `Platform`."""
        self._check(service)
        self._fleet.wanted[service].paused = False
        self._fleet.tick()

    def tear_down(self) -> Leftovers:
        """See `Platform`."""
        for record in list(self._fleet.records):
            self._fleet.end(record)
        self.endpoints_file.unlink(missing_ok=True)
        return Leftovers()

    def successor(self) -> "InMemoryPlatform":
        """See `Platform`."""
        self.tear_down()
        return InMemoryPlatform(
            self.endpoints_file.parent, ready_after_s=self._ready_after_s, audits=self.audits
        )

    def _check(self, service: str | None) -> None:
        if self._plan is None:
            raise PlatformError(2, "the shop has not been deployed")
        if service is not None:
            self._plan.require(service)
