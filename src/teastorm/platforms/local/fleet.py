"""The replicas of a local shop and the thread that keeps them at the wanted count.

Like a Deployment with its kubelet: starts what is missing, probes readiness, publishes ready
endpoints, replaces what died (a new id each time), drains what is surplus. All state is behind one
condition variable, which is notified on every change.
"""

import itertools
import signal as signals
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from teastorm.platforms.base import Event, EventKind, PlatformError, Replica
from teastorm.platforms.endpoints import EndpointsFile, ready_endpoints
from teastorm.platforms.local.member import HOST, Member
from teastorm.platforms.local.probe import ReadinessProbe
from teastorm.platforms.local.process import DEFAULT_NICENESS, NICENESS, Launched
from teastorm.platforms.local.state import ProcessNote
from teastorm.platforms.reconcile import Wanted
from teastorm.scheduling import set_autogroup

TICK_S = 0.05

type Launcher = Callable[[str, str, int, int], Launched]
"""Starts (service, replica id, port, admin port)."""


class Fleet:
    """Keeps services at their wanted counts until closed. Safe to call from any thread."""

    def __init__(
        self,
        *,
        wanted: dict[str, Wanted],
        launcher: Launcher,
        pick_port: Callable[[], int],
        endpoints: EndpointsFile,
        remember: Callable[[Sequence[ProcessNote]], None],
        drain_s: float,
    ) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.events: list[Event] = []
        self.wanted = wanted
        self.trouble: str | None = None
        self._launcher = launcher
        self._pick_port = pick_port
        self._endpoints = endpoints
        self._remember = remember
        self._drain_s = drain_s
        self._members: list[Member] = []
        self._numbers = {service: itertools.count(1) for service in wanted}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def open(self) -> None:
        """Start the first replicas (errors are raised here) and then the supervisor."""
        with self.changed:
            self._endpoints.publish(ready_endpoints(self.wanted, []))
            self._reconcile(time.monotonic())
        self._thread.start()

    def members(self) -> list[Member]:
        """Living members, oldest first."""
        with self.changed:
            return list(self._members)

    def active(self, service: str) -> int:
        """Replicas that are alive and not being stopped. The caller holds `changed`."""
        return sum(1 for m in self._members if m.note.service == service and not m.stopping)

    def record(
        self, kind: EventKind, service: str, member: Member | None, detail: str = ""
    ) -> None:
        """Add an event, now."""
        with self.changed:
            replica = None if member is None else member.snapshot()
            self.events.append(
                Event.of(kind, service, replica, at_s=time.monotonic(), detail=detail)
            )
            self.changed.notify_all()

    def signal(self, replica_id: str, signal: int) -> Replica:
        """Signal one member. SIGTERM takes it from the endpoints first, as deleting a pod does."""
        with self.changed:
            for member in self._members:
                if member.note.replica_id == replica_id:
                    before = member.snapshot()
                    if signal == signals.SIGTERM:
                        self._stop(member, time.monotonic())
                    else:
                        member.process.send(signal)
                    return before
        raise PlatformError(2, f"no living replica is called {replica_id}")

    def close(self) -> list[Member]:
        """Stop supervising, end every process (SIGTERM, SIGKILL after the drain), reap them.

        Gives the members that could not be ended.
        """
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)
        with self.changed:
            for wanted in self.wanted.values():
                wanted.count, wanted.paused = 0, True
            for member in self._members:
                self._stop(member, time.monotonic())
            for patience_s, signal in ((self._drain_s, None), (3.0, signals.SIGKILL)):
                for member in self._members:
                    if signal is not None:
                        member.process.send(signal)
                self._await_end(time.monotonic() + patience_s)
            self._remember([member.note for member in self._members])
            return list(self._members)

    def _await_end(self, until_s: float) -> None:
        while True:
            self._collect()
            if not self._members or time.monotonic() >= until_s:
                return
            time.sleep(0.02)

    def _run(self) -> None:
        while not self._closing.wait(TICK_S):
            now_s = time.monotonic()
            with self.changed:
                try:
                    self._collect()
                    self._look(now_s)
                    self._reconcile(now_s)
                except (PlatformError, OSError) as error:
                    # A full disk or a missing program must not end the supervisor: wait_ready
                    # and status tell, and the next tick tries again.
                    self.trouble = str(error)
                    self.changed.notify_all()

    def _collect(self) -> None:
        """Notice those that ended."""
        for member in [m for m in self._members if not m.process.alive()]:
            member.probe.stop()
            member.ready = False
            self._members.remove(member)
            if not member.stopping:
                self.wanted[member.note.service].died(was_ready=member.was_ready)
            code = member.process.handle.returncode
            self.record("replica_gone", member.note.service, member, f"exit {code}")
        self._publish()

    def _look(self, now_s: float) -> None:
        """Take over the probes' answers; kill what drained for too long."""
        patient = True
        for member in self._members:
            ready = member.probe.ready and not member.stopping
            if ready != member.ready:
                member.ready = ready
                member.was_ready = member.was_ready or ready
                if ready:
                    self.wanted[member.note.service].became_ready()
                kind: EventKind = "replica_ready" if ready else "replica_unready"
                self.record(kind, member.note.service, member)
            if member.kill_at_s is not None and now_s >= member.kill_at_s:
                member.process.send(signals.SIGKILL)
            if not member.autogroup_set and patient:
                niceness = NICENESS.get(member.note.service, DEFAULT_NICENESS)
                member.autogroup_set = patient = set_autogroup(member.process.pid, niceness)
        self._publish()

    def _reconcile(self, now_s: float) -> None:
        for service, wanted in self.wanted.items():
            step = wanted.step(active=self.active(service), now_s=now_s)
            for _ in range(step.start):
                self._start(service)
            for member in self._surplus(service, step.stop):
                self._stop(member, now_s)

    def _surplus(self, service: str, count: int) -> Iterable[Member]:
        """Whom to stop: not ready before ready, young before old (as a ReplicaSet chooses)."""
        young = [m for m in reversed(self._members) if m.note.service == service]
        running = [m for m in young if not m.stopping]
        return sorted(running, key=lambda m: m.ready)[:count]

    def _start(self, service: str) -> None:
        replica_id = f"{service}-{next(self._numbers[service])}"
        note = ProcessNote(
            service=service,
            replica_id=replica_id,
            port=self._pick_port(),
            admin_port=self._pick_port(),
        )
        known = [member.note for member in self._members]
        self._remember([*known, note])
        process = self._launcher(service, replica_id, note.port, note.admin_port)
        note = ProcessNote(
            service=service,
            replica_id=replica_id,
            port=note.port,
            admin_port=note.admin_port,
            pid=process.pid,
            started_unix_s=process.started_unix_s,
        )
        member = Member(note=note, process=process, probe=ReadinessProbe(HOST, note.port))
        self._members.append(member)
        self._remember([*known, note])
        member.probe.start()
        self.trouble = None
        self.record("replica_started", service, member)

    def _stop(self, member: Member, now_s: float) -> None:
        """Out of the endpoints, then SIGTERM (and SIGCONT: a stopped process must hear it)."""
        if not member.stopping:
            member.stopping, member.ready = True, False
            member.kill_at_s = now_s + self._drain_s
            member.probe.stop()
            self._publish()
            self.record("replica_unready", member.note.service, member, "stopping")
        member.process.send(signals.SIGTERM)
        member.process.send(signals.SIGCONT)

    def _publish(self) -> None:
        snapshots = [member.snapshot() for member in self._members]
        if self._endpoints.publish(ready_endpoints(self.wanted, snapshots)):
            self.changed.notify_all()
