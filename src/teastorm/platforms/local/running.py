"""A deployed local shop: its plan, its folders and its fleet, and what can be asked of them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from teastorm.platforms.base import (
    WITH_LEDGER,
    JsonObject,
    PlatformError,
    Replica,
    ShopPlan,
)
from teastorm.platforms.endpoints import EndpointsFile
from teastorm.platforms.faults import AnyFault, fault_body, fault_words, takers
from teastorm.platforms.local import control
from teastorm.platforms.local.fleet import Fleet, Launcher
from teastorm.platforms.local.layout import Layout
from teastorm.platforms.local.ports import PortPicker
from teastorm.platforms.local.state import ProcessNote
from teastorm.platforms.reconcile import wanted_of

CRASH_LOOP = 3


@dataclass(frozen=True, kw_only=True)
class RunningShop:
    """The shop of one deployment. Its methods may be called from any thread."""

    plan: ShopPlan
    layout: Layout
    fleet: Fleet

    @classmethod
    def of(
        cls,
        plan: ShopPlan,
        layout: Layout,
        *,
        launcher: Launcher,
        remember: Callable[[Sequence[ProcessNote]], None],
        drain_s: float,
    ) -> Self:
        """A shop whose fleet is still to be opened; `remember` is told of its processes."""
        fleet = Fleet(
            wanted=wanted_of(plan, now_s=time.monotonic()),
            launcher=launcher,
            pick_port=PortPicker().pick,
            endpoints=EndpointsFile(layout.endpoints_file),
            remember=remember,
            drain_s=drain_s,
        )
        return cls(plan=plan, layout=layout, fleet=fleet)

    def replicas(self, service: str | None = None) -> list[Replica]:
        """Living replicas of one service, or of all, oldest first."""
        if service is not None:
            self.plan.require(service)
        found = [member.snapshot() for member in self.fleet.members()]
        return [replica for replica in found if service in {None, replica.service}]

    def scale(self, service: str, n: int, startup_s: float | None) -> None:
        """Want `n` replicas; those added start after `startup_s` (None: the plan's delay)."""
        fleet = self.fleet
        with fleet.changed:
            fleet.wanted[service].want(
                n, active=fleet.active(service), now_s=time.monotonic(), startup_s=startup_s
            )
            fleet.record("scale", service, None, f"to {n}")

    def pause(self, service: str, *, paused: bool) -> None:
        """Replace no dead replica of a service while `paused`."""
        with self.fleet.changed:
            self.fleet.wanted[service].paused = paused

    def inject(self, service: str, spec: AnyFault, replica_id: str | None) -> None:
        """Tell each of its `takers`; `PlatformError` (3) when there is none."""
        chosen = takers(service, self.replicas(service), replica_id)
        body = fault_body(spec, self.replicas)
        for replica in chosen:
            control.faults(replica, "POST", body, self.layout.admin_token)
        self.fleet.record("fault_set", service, None, fault_words(spec, len(chosen)))

    def clear(self, service: str) -> None:
        """End what was injected; `PlatformError` (5) when a living replica refuses."""
        for replica in self.replicas(service):
            try:
                control.faults(replica, "DELETE", None, self.layout.admin_token)
            except PlatformError as error:
                # One that died meanwhile took its fault with it.
                if any(r.identity == replica.identity for r in self.replicas(service)):
                    raise PlatformError(5, error.sentence) from error

    def audit(self) -> dict[str, JsonObject]:
        """Both ledgers; `PlatformError` (3) when a service has no replica that answers."""
        asked = [service for service in WITH_LEDGER if service in self.plan.replicas]
        return {service: control.audit(service, self.replicas(service)) for service in asked}

    def wait_ready(self, timeout_s: float, services: Sequence[str]) -> None:
        """Block until each service has its wanted number of ready replicas.

        `PlatformError` (3) at once when one dies again and again as it starts, and when the time
        is up.
        """
        fleet = self.fleet
        until_s = time.monotonic() + timeout_s
        with fleet.changed:
            while missing := self._missing(services):
                looping = [s for s in services if fleet.wanted[s].failures >= CRASH_LOOP]
                if looping:
                    raise PlatformError(3, self._last_words(looping[0]))
                if time.monotonic() >= until_s:
                    trouble = f"; {fleet.trouble}" if fleet.trouble else ""
                    short = ", ".join(missing)
                    raise PlatformError(3, f"not ready after {timeout_s:g} s: {short}{trouble}")
                fleet.changed.wait(min(0.1, max(until_s - time.monotonic(), 0.0)))

    def _missing(self, services: Sequence[str]) -> list[str]:
        missing = []
        for service in services:
            ready = sum(1 for replica in self.replicas(service) if replica.ready)
            wanted = self.fleet.wanted[service].count
            if ready != wanted:
                missing.append(f"{service} ({ready} of {wanted})")
        return missing

    def _last_words(self, service: str) -> str:
        events = self.fleet.events
        gone = [e for e in events if e.kind == "replica_gone" and e.service == service]
        log = self.layout.log_of(gone[-1].replica_id)
        return f"{service} ends as it starts: {control.last_line(log)} (log: {log})"
