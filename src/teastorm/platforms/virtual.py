"""Replicas that are records, on a clock that moves only when it is told to."""

import itertools
from dataclasses import dataclass, field, replace

from teastorm.platforms.base import Event, EventKind, PlatformError, Replica
from teastorm.platforms.endpoints import EndpointsFile, ready_endpoints
from teastorm.platforms.faults import AnyFault
from teastorm.platforms.reconcile import Wanted

TICK_S = 0.05


@dataclass(kw_only=True)
class Record:
    """A replica that runs nowhere. `faults` are with the virtual moment at which each ends."""

    replica: Replica
    ready_at_s: float
    stopped: bool = False
    faults: list[tuple[AnyFault, float]] = field(default_factory=list)


class VirtualFleet:
    """Keeps services at their wanted counts as its clock moves. For one thread.

    A replica is ready `ready_after_s` (virtual) after it started; ready ones are published to
    `endpoints`.
    """

    def __init__(self, endpoints: EndpointsFile, *, ready_after_s: float) -> None:
        self.now_s = 0.0
        self.wanted: dict[str, Wanted] = {}
        self.records: list[Record] = []
        self.events: list[Event] = []
        self._ready_after_s = ready_after_s
        self._numbers = itertools.count(1)
        self._endpoints = endpoints

    def advance(self, seconds: float) -> None:
        """Let virtual time pass, in ticks of 50 ms."""
        for _ in range(max(round(seconds / TICK_S), 1)):
            self.now_s += TICK_S
            self.tick()

    def tick(self) -> None:
        """Start and stop what is due at this moment, and publish what is ready."""
        for service, wanted in self.wanted.items():
            step = wanted.step(active=len(self.replicas(service)), now_s=self.now_s)
            for _ in range(step.start):
                self._start(service)
            young = reversed(self.of(service))
            for record in sorted(young, key=lambda r: r.replica.ready)[: step.stop]:
                self.end(record)
        for record in self.records:
            ready = self.now_s >= record.ready_at_s and not record.stopped
            if ready != record.replica.ready:
                record.replica = replace(record.replica, ready=ready)
                kind: EventKind = "replica_ready" if ready else "replica_unready"
                self.note(kind, record.replica.service, record.replica)
        if self.wanted:
            self._endpoints.publish(ready_endpoints(self.wanted, self.replicas()))

    def replicas(self, service: str | None = None) -> list[Replica]:
        """Living replicas of one service, or of all, oldest first."""
        found = [record.replica for record in self.records]
        return [replica for replica in found if service in {None, replica.service}]

    def of(self, service: str) -> list[Record]:
        """The records of a service's living replicas, oldest first."""
        return [record for record in self.records if record.replica.service == service]

    def record(self, replica_id: str) -> Record:
        """A living replica's record; `PlatformError` (2) when there is none."""
        for record in self.records:
            if record.replica.replica_id == replica_id:
                return record
        raise PlatformError(2, f"no living replica is called {replica_id}")

    def end(self, record: Record) -> None:
        """It is gone, as a killed process is."""
        self.records.remove(record)
        self.note("replica_gone", record.replica.service, record.replica)

    def note(
        self, kind: EventKind, service: str, replica: Replica | None, detail: str = ""
    ) -> None:
        """Add an event, now."""
        self.events.append(Event.of(kind, service, replica, at_s=self.now_s, detail=detail))

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
        self.records.append(Record(replica=replica, ready_at_s=self.now_s + self._ready_after_s))
        self.note("replica_started", service, replica)
