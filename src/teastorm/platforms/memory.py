"""A platform where nothing runs: replicas are records and time is virtual. For tests.

The same contract as the local platform, minus sockets. `advance` moves its clock; `wait_ready`
advances it too, so that a wait costs no real time.
"""

import itertools
import signal as signals
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from teastorm.observe.target import ScrapeTarget
from teastorm.platforms.base import (
    Event,
    EventKind,
    JsonObject,
    Leftovers,
    PlatformError,
    Replica,
    ShopPlan,
)
from teastorm.platforms.endpoints import EndpointsFile, ready_endpoints
from teastorm.platforms.faults import AnyFault, fault_body, fault_words
from teastorm.platforms.reconcile import Wanted

TICK_S = 0.05
ENDING = frozenset({signals.SIGKILL, signals.SIGTERM, signals.SIGINT, signals.SIGQUIT})


@dataclass(kw_only=True)
class _Record:
    replica: Replica
    ready_at_s: float
    stopped: bool = False
    faults: list[tuple[AnyFault, float]] = field(default_factory=list)


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
        self.now_s = 0.0
        self.audits = dict(audits or {})
        self._ready_after_s = ready_after_s
        self._numbers = itertools.count(1)
        self._endpoints = EndpointsFile(self.endpoints_file)
        self._wanted: dict[str, Wanted] = {}
        self._records: list[_Record] = []
        self._events: list[Event] = []

    def advance(self, seconds: float) -> None:
        """Let virtual time pass, in ticks of 50 ms."""
        for _ in range(max(round(seconds / TICK_S), 1)):
            self.now_s += TICK_S
            self._tick()

    def faults(self, replica_id: str) -> list[AnyFault]:
        """Faults in force in one replica."""
        return [spec for spec, until_s in self._record(replica_id).faults if until_s > self.now_s]

    def deploy(self, plan: ShopPlan) -> None:
        """See `Platform`."""
        if self._wanted:
            raise PlatformError(2, "this platform has already been deployed")
        for service, count in plan.replicas.items():
            delay_s = plan.startup_s.get(service, 0.0) / plan.time_factor
            self._wanted[service] = Wanted(
                count=count, startup_s=delay_s, due_s=[self.now_s] * count
            )
        self._tick()

    def replicas(self, service: str | None = None) -> list[Replica]:
        """See `Platform`."""
        self._check(service)
        found = [record.replica for record in self._records]
        return [replica for replica in found if service in {None, replica.service}]

    def kill(self, replica_id: str, signal: int = signals.SIGKILL) -> Replica:
        """See `Platform`. SIGSTOP makes it unready until SIGCONT; other signals do nothing."""
        self._check(None)
        record = self._record(replica_id)
        before = record.replica
        if signal in ENDING:
            self._end(record)
        elif signal in {signals.SIGSTOP, signals.SIGCONT}:
            record.stopped = signal == signals.SIGSTOP
        self._tick()
        return before

    def scale(self, service: str, n: int, *, startup_s: float | None = None) -> None:
        """See `Platform`."""
        self._check(service)
        if n < 0:
            raise PlatformError(2, f"replicas must be 0 or more, got {n}")
        active = len(self.replicas(service))
        self._wanted[service].want(n, active=active, now_s=self.now_s, startup_s=startup_s)
        self._add_event("scale", service, None, f"to {n}")
        self._tick()

    def set_fault(self, service: str, spec: AnyFault, replica_id: str | None = None) -> None:
        """See `Platform`."""
        self._check(service)
        chosen = [
            record
            for record in self._records
            if record.replica.service == service
            and (record.replica.ready if replica_id is None else self._is(record, replica_id))
        ]
        if not chosen:
            raise PlatformError(3, f"{service} has no replica to inject a fault into")
        fault_body(spec, self.replicas)  # refuses a callee that is not there
        for record in chosen:
            record.faults.append((spec, self.now_s + spec.duration_s))
        self._add_event("fault_set", service, None, fault_words(spec, len(chosen)))

    def clear_faults(self, service: str) -> None:
        """See `Platform`."""
        self._check(service)
        for record in self._records:
            if record.replica.service == service:
                record.faults.clear()

    def endpoints(self, service: str) -> list[str]:
        """See `Platform`."""
        return sorted(replica.endpoint for replica in self.replicas(service) if replica.ready)

    def ask(self, endpoint: str, path: str, timeout_s: float) -> int:  # noqa: ARG002 - nothing runs
        """See `Platform`; nothing answers here."""
        return 0

    def wait_ready(self, timeout_s: float, services: Sequence[str] | None = None) -> None:
        """See `Platform`; takes virtual time only."""
        asked = list(self._wanted) if services is None else list(services)
        until_s = self.now_s + timeout_s
        self._check(None)
        while any(len(self.endpoints(s)) != self._wanted[s].count for s in asked):
            if self.now_s >= until_s:
                short = [s for s in asked if len(self.endpoints(s)) != self._wanted[s].count]
                raise PlatformError(3, f"not ready after {timeout_s:g} s: {', '.join(short)}")
            self.advance(TICK_S)

    def targets(self) -> list[ScrapeTarget]:
        """See `Platform`; nothing answers there."""
        return [
            ScrapeTarget(
                service=r.service, replica=r.replica_id, url=f"http://{r.endpoint}/metrics"
            )
            for r in self.replicas()
        ]

    def events(self) -> list[Event]:
        """See `Platform`; times are virtual."""
        return list(self._events)

    def audit(self) -> dict[str, JsonObject]:
        """See `Platform`: what the test put into `audits`."""
        self._check(None)
        return {s: self.audits.get(s, {}) for s in ("orders", "dispatch") if s in self._wanted}

    def pause_replacing(self, service: str) -> None:
        """See `Platform`."""
        self._check(service)
        self._wanted[service].paused = True

    def resume_replacing(self, service: str) -> None:
        """See `Platform`."""
        self._check(service)
        self._wanted[service].paused = False
        self._tick()

    def tear_down(self) -> Leftovers:
        """See `Platform`."""
        for record in list(self._records):
            self._end(record)
        self.endpoints_file.unlink(missing_ok=True)
        return Leftovers()

    def successor(self) -> "InMemoryPlatform":
        """See `Platform`."""
        self.tear_down()
        return InMemoryPlatform(
            self.endpoints_file.parent, ready_after_s=self._ready_after_s, audits=self.audits
        )

    def _tick(self) -> None:
        for service, wanted in self._wanted.items():
            active = len(self.replicas(service))
            step = wanted.step(active=active, now_s=self.now_s)
            for _ in range(step.start):
                self._start(service)
            young = [r for r in reversed(self._records) if r.replica.service == service]
            for record in sorted(young, key=lambda r: r.replica.ready)[: step.stop]:
                self._end(record)
        for record in self._records:
            ready = self.now_s >= record.ready_at_s and not record.stopped
            if ready != record.replica.ready:
                record.replica = replace(record.replica, ready=ready)
                kind: EventKind = "replica_ready" if ready else "replica_unready"
                self._add_event(kind, record.replica.service, record.replica)
        if self._wanted:
            self._endpoints.publish(ready_endpoints(self._wanted, self.replicas()))

    def _start(self, service: str) -> None:
        number = next(self._numbers)
        replica = Replica(
            service=service,
            replica_id=f"{service}-{number}",
            host="127.0.0.1",
            port=20_000 + 2 * number,
            admin_port=20_001 + 2 * number,
            pid=100_000 + number,
            started_unix_s=self.now_s,
            ready=False,
        )
        self._records.append(_Record(replica=replica, ready_at_s=self.now_s + self._ready_after_s))
        self._add_event("replica_started", service, replica)

    def _end(self, record: _Record) -> None:
        self._records.remove(record)
        self._add_event("replica_gone", record.replica.service, record.replica)

    def _add_event(
        self, kind: EventKind, service: str, replica: Replica | None, detail: str = ""
    ) -> None:
        self._events.append(
            Event(
                at_s=self.now_s,
                kind=kind,
                service=service,
                replica_id="" if replica is None else replica.replica_id,
                pid=None if replica is None else replica.pid,
                started_unix_s=None if replica is None else replica.started_unix_s,
                detail=detail,
            )
        )

    def _record(self, replica_id: str) -> _Record:
        for record in self._records:
            if self._is(record, replica_id):
                return record
        raise PlatformError(2, f"no living replica is called {replica_id}")

    @staticmethod
    def _is(record: _Record, replica_id: str) -> bool:
        return record.replica.replica_id == replica_id

    def _check(self, service: str | None) -> None:
        if not self._wanted:
            raise PlatformError(2, "the shop has not been deployed")
        if service is not None and service not in self._wanted:
            known = ", ".join(self._wanted)
            raise PlatformError(2, f"service must be one of {known}, got {service!r}")
