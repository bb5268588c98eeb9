"""What can be asked of a deployed shop, between `deploy` and `tear_down`: the larger part of `Platform`."""

import secrets
import signal as signals
import time
from collections.abc import Sequence
from pathlib import Path

from teastorm.load.plan import LoadPlan
from teastorm.observe.target import ScrapeTarget
from teastorm.platforms.base import WITH_LEDGER, Event, JsonObject, PlatformError, Replica
from teastorm.platforms.faults import AnyFault
from teastorm.platforms.kubernetes import door, signalling
from teastorm.platforms.kubernetes.helm import Helm
from teastorm.platforms.kubernetes.lag import Lag, Sample, lag
from teastorm.platforms.kubernetes.load_inside import InsideLoad
from teastorm.platforms.kubernetes.load_manifests import InsidePlan
from teastorm.platforms.kubernetes.operations import Operations
from teastorm.platforms.kubernetes.running import RunningShop
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.values import front_port_of, pull_secrets_of
from teastorm.platforms.kubernetes.waiting import await_ready

DOOR_OPENS_WITHIN_S = 20.0


class Deployed:
    """A release that runs, once `_shop` and `_work` are set; `PlatformError` (2) until then.

    `KubernetesPlatform` deploys it and takes it away. Every method may be called from any thread.
    """

    def __init__(self, settings: ClusterSettings, helm: Helm) -> None:
        self.settings = settings
        self._helm = helm
        self._work: Path | None = None
        self._shop: RunningShop | None = None
        self._torn_down = False
        self._events: list[Event] = []

    @property
    def endpoints_file(self) -> Path:
        """See `Platform`: pod addresses, which only the cluster's own network reaches."""
        self._running()
        return self._folder() / "endpoints.json"

    @property
    def door_file(self) -> Path:
        """See `Platform`: the gateway's Service."""
        self._running()
        return self._folder() / "door.json"

    @property
    def operations(self) -> Operations:
        """What only a cluster can do."""
        return self._running().operations

    def autoscaling(self) -> list[Sample]:
        """How the statuses of the release's autoscalers changed, oldest first."""
        return self._running().autoscalers.samples()

    def autoscaling_lag(self, service: str, since_s: float) -> Lag | None:
        """Where the time from a rise in demand (monotonic `since_s`) to a new ready pod went."""
        shop = self._running(service)
        with shop.fleet.changed:
            return lag(service, shop.autoscalers.samples(), dict(shop.fleet.moments), since_s)

    def replicas(self, service: str | None = None) -> list[Replica]:
        """See `Platform`; `ClusterError` (3) when the cluster has not answered for half a minute."""
        if self._shop is None and self._torn_down:
            return []
        return self._running(service).replicas(service)

    def kill(self, replica_id: str, signal: int = signals.SIGKILL) -> Replica:
        """See `Platform`. SIGKILL ends service and pod at once, SIGTERM deletes the pod.

        SIGSTOP and SIGCONT go to the service's process inside the pod.
        """
        return signalling.send(self._running(), replica_id, signal)

    def scale(self, service: str, n: int, *, startup_s: float | None = None) -> None:
        """See `Platform`. With `startup_s`, the Deployment is told so much later.

        Where an autoscaler rules the service, it will change the number again.
        """
        shop = self._running(service)
        if n < 0:
            raise PlatformError(2, f"replicas must be 0 or more, got {n}")
        shop.scaling.want(service, n, startup_s)

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
        shop = self._running()
        for replica in self.replicas():
            if replica.endpoint == endpoint:
                return shop.proxy.ask(replica, path, timeout_s)
        return 0

    def wait_ready(self, timeout_s: float, services: Sequence[str] | None = None) -> None:
        """See `Platform`; names an image that is not there within seconds.

        The first time a service is ready, one of its pods is asked through the API server's proxy.
        """
        shop = self._running()
        asked = list(shop.scaling.wanted) if services is None else list(services)
        for service in asked:
            shop.plan.require(service)
        until_s = time.monotonic() + timeout_s
        wanted, refused = shop.scaling.wanted, shop.operations.refused
        await_ready(shop.fleet, wanted, asked, timeout_s, refused=refused)
        shop.require_reached(asked)
        if "gateway" in asked and shop.scaling.wanted["gateway"]:
            left_s = max(until_s - time.monotonic(), 1.0)
            door.await_open(self.settings.door, min(DOOR_OPENS_WITHIN_S, left_s))
            nodes = sorted({pod.host_ip for pod in shop.fleet.pods("gateway") if pod.host_ip})
            address = door.shortest(shop.api, self.settings, nodes)
            door.write(self._folder() / "door.json", address)

    def start_load(
        self, plan: LoadPlan, *, seed: int, run_dir: Path, t0_unix_s: float
    ) -> InsideLoad | None:
        """Begin a load from inside the cluster; None where it is to come from this machine."""
        shop = self._running()
        settings = self.settings
        if not settings.load_workers:
            return None
        values = self._helm.values() or {}
        inside = InsidePlan(
            plan=plan,
            seed=seed,
            t0_unix_s=t0_unix_s,
            workers=settings.load_workers,
            image=settings.load_image,
            gateway=f"{settings.release}-front.{settings.namespace}.svc:{front_port_of(values)}",
            namespace=settings.namespace,
            release=settings.release,
            load_id=secrets.token_hex(4),
            pull_secrets=pull_secrets_of(values),
        )
        load = InsideLoad(shop.api, inside, run_dir)
        load.start()
        return load

    def targets(self) -> list[ScrapeTarget]:
        """See `Platform`: by the API server's proxy. As last seen when the cluster is lost."""
        shop = self._running()
        found = [pod.replica() for pod in shop.fleet.pods()]
        return [shop.proxy.target(replica) for replica in found if replica.host]

    def events(self) -> list[Event]:
        """See `Platform`; still there after `tear_down`."""
        shop = self._shop
        if shop is None:
            return list(self._events)
        with shop.fleet.changed:
            return list(shop.fleet.events)

    def audit(self) -> dict[str, JsonObject]:
        """See `Platform`; `PlatformError` (3) when a service has no replica that answers."""
        shop = self._running()
        asked = [service for service in WITH_LEDGER if service in shop.scaling.wanted]
        return {service: shop.proxy.audit(service, self.replicas(service)) for service in asked}

    def pause_replacing(self, service: str) -> None:
        """See `Platform`. A Deployment always replaces, so it is told to want nothing meanwhile.

        The number to go back to is written into the namespace first.
        """
        self._running(service).scaling.pause(service)

    def resume_replacing(self, service: str) -> None:
        """See `Platform`."""
        self._running(service).scaling.resume(service)

    def _folder(self) -> Path:
        if self._work is None:
            raise PlatformError(2, "the shop has not been deployed")
        return self._work

    def _running(self, service: str | None = None) -> RunningShop:
        if self._shop is None:
            raise PlatformError(2, "the shop has not been deployed")
        if service is not None:
            self._shop.plan.require(service)
        return self._shop
