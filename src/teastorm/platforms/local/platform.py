"""The embedded platform: the shop as processes on loopback. Needs nothing but Python."""

import os
import shlex
import signal as signals
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from teastorm.observe.target import ScrapeTarget
from teastorm.platforms.base import (
    Event,
    JsonObject,
    Leftovers,
    PlatformError,
    Replica,
    ShopPlan,
)
from teastorm.platforms.endpoints import EndpointsFile
from teastorm.platforms.faults import AnyFault, fault_body, fault_words
from teastorm.platforms.local import control
from teastorm.platforms.local.cleanup import refuse_or_tidy
from teastorm.platforms.local.fleet import Fleet
from teastorm.platforms.local.http import Unreachable, call
from teastorm.platforms.local.layout import Layout
from teastorm.platforms.local.ports import PortPicker, is_free
from teastorm.platforms.local.process import (
    DEFAULT_NICENESS,
    NICENESS,
    Launched,
    launch,
    start_time,
)
from teastorm.platforms.local.state import (
    OWNER_VARIABLE,
    MachineLock,
    ProcessNote,
    RunState,
    StateFile,
)
from teastorm.platforms.reconcile import Wanted

ENTRY = (sys.executable, "-m", "teashop.serving.run")
ENTRY_VARIABLE = "TEASTORM_SHOP_ENTRY"
"""Another command that serves a service, split as a shell would: for tests of the testbed."""

WITH_LEDGER = ("orders", "dispatch")
CRASH_LOOP = 3


class LocalPlatform:
    """`Platform` over processes of this machine. One at a time per state folder and user.

    `entry` is the command that serves a service; None: the shop's, or `TEASTORM_SHOP_ENTRY`. `drain_s` is how long a
    replica may take to end after SIGTERM.
    """

    name = place = "local"
    ready_within_s = 60.0

    def __init__(
        self,
        *,
        entry: Sequence[str] | None = None,
        state_directory: Path | None = None,
        drain_s: float = 10.0,
    ) -> None:
        given = shlex.split(os.environ.get(ENTRY_VARIABLE, ""))
        self._entry = tuple(entry or given or ENTRY)
        self._drain_s = drain_s
        self._state_directory = state_directory
        self._state_file = StateFile(state_directory)
        self._lock = MachineLock(self._state_file)
        self._plan: ShopPlan | None = None
        self._layout: Layout | None = None
        self._fleet: Fleet | None = None
        self._state: RunState | None = None

    @property
    def endpoints_file(self) -> Path:
        """See `Platform`; exists from `deploy` to `tear_down`."""
        return self._deployed()[1].endpoints_file

    @property
    def door_file(self) -> Path:
        """See `Platform`: replicas are reached one by one here."""
        return self.endpoints_file

    @property
    def environment(self) -> dict[str, str]:
        """Give these variables to other processes of the run: `teastorm down` then ends them too."""
        return {OWNER_VARIABLE: str(self._state_file.path)}

    def deploy(self, plan: ShopPlan) -> None:
        """See `Platform`; `PlatformError` (3) when another run holds this machine."""
        if self._fleet is not None:
            raise PlatformError(2, "this platform has already been deployed")
        refuse_or_tidy(self._state_file, self._lock)
        try:
            self._open(plan)
        except BaseException as error:
            self.tear_down()
            if isinstance(error, OSError):
                raise PlatformError(3, _folders_refused(error)) from error
            raise

    def _open(self, plan: ShopPlan) -> None:
        layout = Layout.create(plan.run_dir)
        self._plan, self._layout = plan, layout
        self._state = RunState(
            runner_pid=os.getpid(),
            runner_started_unix_s=start_time(os.getpid()) or time.time(),
            work_dir=str(layout.work),
            endpoints_file=str(layout.endpoints_file),
            run_dir=None if plan.run_dir is None else str(plan.run_dir.absolute()),
        )
        self._remember([])
        wanted = {}
        for service, count in plan.replicas.items():
            delay_s = plan.startup_s.get(service, 0.0) / plan.time_factor
            wanted[service] = Wanted(count=count, startup_s=delay_s, due_s=[0.0] * count)
        self._fleet = Fleet(
            wanted=wanted,
            launcher=self._launch,
            pick_port=PortPicker().pick,
            endpoints=EndpointsFile(layout.endpoints_file),
            remember=self._remember,
            drain_s=self._drain_s,
        )
        self._fleet.open()

    def replicas(self, service: str | None = None) -> list[Replica]:
        """See `Platform`."""
        members = self._running(service).members()
        found = [member.snapshot() for member in members]
        return [replica for replica in found if service in {None, replica.service}]

    def kill(self, replica_id: str, signal: int = signals.SIGKILL) -> Replica:
        """See `Platform`."""
        return self._running().signal(replica_id, signal)

    def scale(self, service: str, n: int, *, startup_s: float | None = None) -> None:
        """See `Platform`."""
        if n < 0:
            raise PlatformError(2, f"replicas must be 0 or more, got {n}")
        fleet = self._running(service)
        with fleet.changed:
            fleet.wanted[service].want(
                n, active=fleet.active(service), now_s=time.monotonic(), startup_s=startup_s
            )
            fleet.record("scale", service, None, f"to {n}")

    def set_fault(self, service: str, spec: AnyFault, replica_id: str | None = None) -> None:
        """See `Platform`; `PlatformError` (3) when no replica took it."""
        chosen = [r for r in self.replicas(service) if replica_id in {None, r.replica_id}]
        if replica_id is None:
            chosen = [replica for replica in chosen if replica.ready]
        if not chosen:
            raise PlatformError(3, f"{service} has no replica to inject a fault into")
        token = self._deployed()[1].admin_token
        body = fault_body(spec, self.replicas)
        for replica in chosen:
            control.faults(replica, "POST", body, token)
        self._running().record("fault_set", service, None, fault_words(spec, len(chosen)))

    def clear_faults(self, service: str) -> None:
        """See `Platform`; `PlatformError` (5) when a living, ready replica refuses."""
        token = self._deployed()[1].admin_token
        for replica in self.replicas(service):
            try:
                control.faults(replica, "DELETE", None, token)
            except PlatformError as error:
                # One that died meanwhile took its fault with it.
                if any(r.identity == replica.identity for r in self.replicas(service)):
                    raise PlatformError(5, error.sentence) from error

    def endpoints(self, service: str) -> list[str]:
        """See `Platform`."""
        return sorted(replica.endpoint for replica in self.replicas(service) if replica.ready)

    def ask(self, endpoint: str, path: str, timeout_s: float) -> int:
        """See `Platform`."""
        host, _, port = endpoint.rpartition(":")
        try:
            return call(host, int(port), "GET", path, timeout_s=timeout_s)[0]
        except Unreachable:
            return 0

    def wait_ready(self, timeout_s: float, services: Sequence[str] | None = None) -> None:
        """See `Platform`; fails early when a service dies again and again as it starts."""
        fleet = self._running()
        asked = list(fleet.wanted) if services is None else list(services)
        for service in asked:
            self._running(service)
        until_s = time.monotonic() + timeout_s
        with fleet.changed:
            while missing := self._missing(fleet, asked):
                looping = [s for s in asked if fleet.wanted[s].failures >= CRASH_LOOP]
                if looping or time.monotonic() >= until_s:
                    raise PlatformError(3, self._why(fleet, looping, missing, timeout_s))
                fleet.changed.wait(min(0.1, max(until_s - time.monotonic(), 0.0)))

    def targets(self) -> list[ScrapeTarget]:
        """See `Platform`."""
        return [
            ScrapeTarget(
                service=r.service, replica=r.replica_id, url=f"http://{r.endpoint}/metrics"
            )
            for r in self.replicas()
        ]

    def events(self) -> list[Event]:
        """See `Platform`; still there after `tear_down`."""
        fleet = self._fleet
        if fleet is None:
            return []
        with fleet.changed:
            return list(fleet.events)

    def audit(self) -> dict[str, JsonObject]:
        """See `Platform`; `PlatformError` (3) when a service has no replica that answers."""
        plan, _ = self._deployed()
        asked = [service for service in WITH_LEDGER if service in plan.replicas]
        return {service: control.audit(service, self.replicas(service)) for service in asked}

    def pause_replacing(self, service: str) -> None:
        """See `Platform`."""
        fleet = self._running(service)
        with fleet.changed:
            fleet.wanted[service].paused = True

    def resume_replacing(self, service: str) -> None:
        """See `Platform`."""
        fleet = self._running(service)
        with fleet.changed:
            fleet.wanted[service].paused = False

    def tear_down(self) -> Leftovers:
        """See `Platform`."""
        alive = [] if self._fleet is None else self._fleet.close()
        ports = [p for m in alive for p in (m.note.port, m.note.admin_port) if not is_free(p)]
        files = [] if self._layout is None else self._layout.remove()
        if self._state is not None and not alive and not files:
            self._state_file.remove()
            self._state = None
        self._lock.release()
        processes = tuple(f"{m.note.replica_id} (pid {m.process.pid})" for m in alive)
        return Leftovers(processes=processes, files=tuple(files), ports=tuple(ports))

    def successor(self) -> "LocalPlatform":
        """See `Platform`: processes leave nothing to be put back."""
        self.tear_down()
        return LocalPlatform(
            entry=self._entry, state_directory=self._state_directory, drain_s=self._drain_s
        )

    def _launch(self, service: str, replica_id: str, port: int, admin_port: int) -> Launched:
        plan, layout = self._deployed()
        settings = layout.write_settings(plan, service, replica_id)
        where = ["--host", "127.0.0.1", "--port", str(port), "--admin-port", str(admin_port)]
        return launch(
            [*self._entry, service, "--settings", str(settings), *where],
            log=layout.log_of(replica_id),
            extra_environment=self.environment,
            niceness=NICENESS.get(service, DEFAULT_NICENESS),
        )

    def _remember(self, notes: Sequence[ProcessNote]) -> None:
        if self._state is not None:
            self._state = replace(self._state, processes=tuple(notes))
            self._state_file.write(self._state)

    def _missing(self, fleet: Fleet, services: Sequence[str]) -> list[str]:
        missing = []
        for service in services:
            ready = sum(1 for r in self.replicas(service) if r.ready)
            if ready != fleet.wanted[service].count:
                missing.append(f"{service} ({ready} of {fleet.wanted[service].count})")
        return missing

    def _why(
        self, fleet: Fleet, looping: Sequence[str], missing: Sequence[str], timeout_s: float
    ) -> str:
        if looping:
            service = looping[0]
            gone = [e for e in fleet.events if e.kind == "replica_gone" and e.service == service]
            log = self._deployed()[1].log_of(gone[-1].replica_id)
            return f"{service} ends as it starts: {control.last_line(log)} (log: {log})"
        trouble = f"; {fleet.trouble}" if fleet.trouble else ""
        return f"not ready after {timeout_s:g} s: {', '.join(missing)}{trouble}"

    def _deployed(self) -> tuple[ShopPlan, Layout]:
        if self._plan is None or self._layout is None:
            raise PlatformError(2, "the shop has not been deployed")
        return self._plan, self._layout

    def _running(self, service: str | None = None) -> Fleet:
        self._deployed()
        if self._fleet is None:
            raise PlatformError(2, "the shop has not been deployed")
        if service is not None and service not in self._fleet.wanted:
            known = ", ".join(self._fleet.wanted)
            raise PlatformError(2, f"service must be one of {known}, got {service!r}")
        return self._fleet


def _folders_refused(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"cannot prepare the shop's folders: {where}{error.strerror}"
