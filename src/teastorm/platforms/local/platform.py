"""The embedded platform: the shop as processes on loopback. Needs nothing but Python."""

import os
import signal as signals
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
from teastorm.platforms.faults import AnyFault
from teastorm.platforms.local.cleanup import refuse_or_tidy
from teastorm.platforms.local.http import Unreachable, call
from teastorm.platforms.local.layout import Layout
from teastorm.platforms.local.ports import is_free
from teastorm.platforms.local.process import start_time
from teastorm.platforms.local.running import RunningShop
from teastorm.platforms.local.starter import Starter, usual_entry
from teastorm.platforms.local.state import (
    OWNER_VARIABLE,
    MachineLock,
    ProcessNote,
    RunState,
    StateFile,
)


class LocalPlatform:
    """`Platform` over processes of this machine. One at a time per state folder and user.

    `entry` is the command that serves a service; None: the shop's, or `TEASTORM_SHOP_ENTRY`.
    `drain_s` is how long a replica may take to end after SIGTERM. Here is how a deployment begins
    and ends; what can be asked of it meanwhile is `RunningShop`'s.
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
        self._entry = tuple(entry or usual_entry())
        self._drain_s = drain_s
        self._state_directory = state_directory
        self._state_file = StateFile(state_directory)
        self._lock = MachineLock(self._state_file)
        self._layout: Layout | None = None
        self._state: RunState | None = None
        self._shop: RunningShop | None = None

    @property
    def endpoints_file(self) -> Path:
        """See `Platform`; exists from `deploy` to `tear_down`."""
        return self._running().layout.endpoints_file

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
        if self._shop is not None:
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
        layout = self._layout = Layout.create(plan.run_dir)
        self._state = RunState(
            runner_pid=os.getpid(),
            runner_started_unix_s=start_time(os.getpid()) or time.time(),
            work_dir=str(layout.work),
            endpoints_file=str(layout.endpoints_file),
            run_dir=None if plan.run_dir is None else str(plan.run_dir.absolute()),
        )
        self._remember([])
        starter = Starter(entry=self._entry, plan=plan, layout=layout, environment=self.environment)
        self._shop = RunningShop.of(
            plan,
            layout,
            launcher=starter.start,
            remember=self._remember,
            drain_s=self._drain_s,
        )
        self._shop.fleet.open()

    def replicas(self, service: str | None = None) -> list[Replica]:
        """See `Platform`."""
        return self._running().replicas(service)

    def kill(self, replica_id: str, signal: int = signals.SIGKILL) -> Replica:
        """See `Platform`."""
        return self._running().fleet.signal(replica_id, signal)

    def scale(self, service: str, n: int, *, startup_s: float | None = None) -> None:
        """See `Platform`."""
        if n < 0:
            raise PlatformError(2, f"replicas must be 0 or more, got {n}")
        self._running(service).scale(service, n, startup_s)

    def set_fault(self, service: str, spec: AnyFault, replica_id: str | None = None) -> None:
        """See `Platform`; `PlatformError` (3) when no replica took it."""
        self._running(service).inject(service, spec, replica_id)

    def clear_faults(self, service: str) -> None:
        """See `Platform`; `PlatformError` (5) when a living, ready replica refuses."""
        self._running(service).clear(service)

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
        shop = self._running()
        asked = list(shop.plan.replicas) if services is None else list(services)
        for service in asked:
            shop.plan.require(service)
        shop.wait_ready(timeout_s, asked)

    def targets(self) -> list[ScrapeTarget]:
        """See `Platform`."""
        return [replica.target for replica in self.replicas()]

    def events(self) -> list[Event]:
        """See `Platform`; still there after `tear_down`."""
        if self._shop is None:
            return []
        fleet = self._shop.fleet
        with fleet.changed:
            return list(fleet.events)

    def audit(self) -> dict[str, JsonObject]:
        """See `Platform`; `PlatformError` (3) when a service has no replica that answers."""
        return self._running().audit()

    def pause_replacing(self, service: str) -> None:
        """See `Platform`."""
        self._running(service).pause(service, paused=True)

    def resume_replacing(self, service: str) -> None:
        """See `Platform`."""
        self._running(service).pause(service, paused=False)

    def tear_down(self) -> Leftovers:
        """See `Platform`."""
        alive = [] if self._shop is None else self._shop.fleet.close()
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

    def _remember(self, notes: Sequence[ProcessNote]) -> None:
        if self._state is not None:
            self._state = replace(self._state, processes=tuple(notes))
            self._state_file.write(self._state)

    def _running(self, service: str | None = None) -> RunningShop:
        if self._shop is None:
            raise PlatformError(2, "the shop has not been deployed")
        if service is not None:
            self._shop.plan.require(service)
        return self._shop


def _folders_refused(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"cannot prepare the shop's folders: {where}{error.strerror}"
