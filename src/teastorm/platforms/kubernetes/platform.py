"""The cluster platform: the shop as a Helm release, its replicas as pods."""

import contextlib
import secrets
import shutil
import signal as signals
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from teastorm.load.plan import LoadPlan
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
from teastorm.platforms.kubernetes import door, namespace
from teastorm.platforms.kubernetes.api import Api, connect
from teastorm.platforms.kubernetes.effects import Effects
from teastorm.platforms.kubernetes.errors import Conflict, NotThere
from teastorm.platforms.kubernetes.helm import Helm
from teastorm.platforms.kubernetes.installation import Installation
from teastorm.platforms.kubernetes.lag import Lag, Sample, lag
from teastorm.platforms.kubernetes.lease import RunLease
from teastorm.platforms.kubernetes.load_inside import InsideLoad
from teastorm.platforms.kubernetes.load_manifests import InsidePlan
from teastorm.platforms.kubernetes.operations import Operations
from teastorm.platforms.kubernetes.running import RunningShop
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.undo import undo
from teastorm.platforms.kubernetes.values import WITH_LEDGER, pull_secrets_of, shown, values_of
from teastorm.platforms.kubernetes.waiting import await_ready

DOOR_OPENS_WITHIN_S = 20.0


class KubernetesPlatform:
    """`Platform` over one namespace of one cluster. One run at a time there, held by a lease."""

    name = "kubernetes"
    ready_within_s = 180.0

    def __init__(
        self,
        settings: ClusterSettings,
        *,
        connect_to: Callable[[ClusterSettings], Api] = connect,
        helm: Helm | None = None,
    ) -> None:
        self.settings = settings
        self._connect = connect_to
        self._helm = helm or Helm(settings)
        self._work: Path | None = None
        self._lease: RunLease | None = None
        self._installation: Installation | None = None
        self._shop: RunningShop | None = None
        self._used = self._torn_down = False
        self._events: list[Event] = []

    @property
    def place(self) -> str:
        """What a measured capacity holds for: this cluster, and where its load comes from."""
        where = "/inside" if self.settings.load_workers else ""
        return f"kubernetes/{self.settings.context}{where}"

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

    def deploy(self, plan: ShopPlan) -> None:
        """See `Platform`; `PlatformError` (3) when the cluster, Helm or the namespace is not ours.

        Refuses while another run holds the namespace, and while a dead run's faults are in force.
        """
        if self._used:
            raise PlatformError(2, "this platform has already been deployed")
        self._helm.check()
        api = self._connect(self.settings)
        api.get("/version")
        self._used = True
        made = False
        if self._lease is None:
            made = namespace.ensure(api, self.settings.namespace)
            lease = RunLease(api, self.settings.namespace)
            lease.acquire()
            self._lease = lease
        try:
            self._open(api, plan, made=made)
        except BaseException:
            self.tear_down()
            raise

    def keep(self) -> None:
        """Leave what is deployed to itself: the namespace is free for other commands."""
        shop = self._running()
        shop.end_watching()
        if self._installation is not None:
            self._installation.settle()
        if self._lease is not None:
            self._lease.release()
        self._lease = self._installation = None
        self._remove_folder()

    def replicas(self, service: str | None = None) -> list[Replica]:
        """See `Platform`; `ClusterError` (3) when the cluster has not answered for half a minute."""
        if self._shop is None and self._torn_down:
            return []
        return self._running(service).replicas(service)

    def kill(self, replica_id: str, signal: int = signals.SIGKILL) -> Replica:
        """See `Platform`. SIGKILL deletes the pod without grace, SIGTERM with its own.

        SIGSTOP and SIGCONT go to the service's process inside the pod.
        """
        shop = self._running()
        if (left := shop.fleet.gone.get(replica_id)) is not None and left.component in shop.paused:
            return left.replica()  # scaled to nothing, it went before it was its turn
        pod = shop.operations.pod(replica_id)
        with contextlib.suppress(NotThere, Conflict):  # it went by itself a moment ago
            match signal:
                case signals.SIGKILL:
                    shop.operations.delete(pod, grace_s=0)
                case signals.SIGTERM:
                    answer = shop.operations.delete(pod, grace_s=None)
                    if answer.get("kind") == "Pod":
                        shop.fleet.apply("MODIFIED", answer)
                case signals.SIGSTOP:
                    shop.operations.freeze(replica_id)
                case signals.SIGCONT:
                    shop.operations.thaw(replica_id)
                case _:
                    raise PlatformError(
                        2, f"a pod takes SIGKILL, SIGTERM, SIGSTOP or SIGCONT, got {signal}"
                    )
        return pod.replica()

    def scale(self, service: str, n: int, *, startup_s: float | None = None) -> None:
        """See `Platform`. With `startup_s`, the Deployment is told so much later.

        Where an autoscaler rules the service, it will change the number again.
        """
        shop = self._running(service)
        if n < 0:
            raise PlatformError(2, f"replicas must be 0 or more, got {n}")
        shop.scale(service, n, startup_s)

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
        asked = list(shop.wanted) if services is None else list(services)
        for service in asked:
            self._running(service)
        until_s = time.monotonic() + timeout_s
        await_ready(shop.fleet, shop.wanted, asked, timeout_s)
        shop.require_reached(asked)
        if "gateway" in asked and shop.wanted["gateway"]:
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
        inside = InsidePlan(
            plan=plan,
            seed=seed,
            t0_unix_s=t0_unix_s,
            workers=settings.load_workers,
            image=settings.load_image,
            gateway=f"{settings.release}-front.{settings.namespace}.svc:80",
            namespace=settings.namespace,
            release=settings.release,
            load_id=secrets.token_hex(4),
            pull_secrets=pull_secrets_of(self._helm.values() or {}),
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
        asked = [service for service in WITH_LEDGER if service in shop.wanted]
        return {service: shop.proxy.audit(service, self.replicas(service)) for service in asked}

    def pause_replacing(self, service: str) -> None:
        """See `Platform`. A Deployment always replaces, so it is told to want nothing meanwhile.

        The number to go back to is written into the namespace first.
        """
        self._running(service).pause(service)

    def resume_replacing(self, service: str) -> None:
        """See `Platform`."""
        self._running(service).resume(service)

    def tear_down(self) -> Leftovers:
        """See `Platform`: effects undone, the namespace as it was before; bounded, about two minutes."""
        return self._end(self._end_shop())

    def successor(self) -> "KubernetesPlatform":
        """See `Platform`: the namespace stays held, and what it held before stays set aside.

        Installing an old release, or removing the namespace, only for the next deployment to clear
        it away again took about 20 s of a kind on two cores.
        """
        shop = self._end_shop()
        heir = KubernetesPlatform(self.settings, connect_to=self._connect, helm=self._helm)
        # With a fault that stays, or without the lease, there is nothing to hand on.
        if self._lease is None or not self._lease.still_held() or self._undo(shop):
            if left := self._end(shop):
                raise PlatformError(5, f"could not be put back: {'; '.join(left.files)}")
            return heir
        self._remove_folder()
        heir._lease, self._lease = self._lease, None
        heir._installation, self._installation = self._installation, None
        return heir

    def _end_shop(self) -> RunningShop | None:
        shop, self._shop = self._shop, None
        self._torn_down = self._used
        if shop is not None:
            self._events = list(shop.fleet.events)
            if shop.plan.run_dir is not None:
                shop.save(shop.plan.run_dir)
            shop.end_watching()
        return shop

    def _end(self, shop: RunningShop | None) -> Leftovers:
        left: list[str] = []
        lease, self._lease = self._lease, None
        installation, self._installation = self._installation, None
        if lease is not None and not lease.still_held():
            left.append(f"namespace {self.settings.namespace}: another run took it over")
        elif lease is not None:
            left += self._undo(shop) + self._put_back(installation)
            lease.release()
        self._remove_folder()
        return Leftovers(files=tuple(left))

    def _undo(self, shop: RunningShop | None) -> list[str]:
        if shop is None:
            return []
        return shop.effects.undo_all(lambda effect: undo(shop.api, self.settings, effect))

    def _put_back(self, installation: Installation | None) -> list[str]:
        left = []
        if installation is not None:
            try:
                left += installation.put_back()
            except PlatformError as error:
                left.append(error.sentence)
        return left

    def _open(self, api: Api, plan: ShopPlan, *, made: bool) -> None:
        effects = Effects(api, self.settings.namespace)
        if left := effects.read():
            raise PlatformError(
                3,
                f"an earlier run left a fault in namespace {self.settings.namespace}: "
                f"{'; '.join(map(str, left))}; `teastorm rollback --platform kubernetes` ends it",
            )
        installation = Installation(api, self.settings, self._helm)
        self._installation = installation
        installation.set_aside(made=made)
        token = secrets.token_urlsafe(24)
        values = values_of(plan, token)
        installation.install(values)
        self._write_settings(plan, values)
        self._work = Path(tempfile.mkdtemp(prefix="teastorm-"))
        door.write(self._work / "door.json", self.settings.door)
        self._shop = RunningShop.follow(
            api,
            self.settings,
            plan,
            token=token,
            effects=effects,
            endpoints_file=self._work / "endpoints.json",
        )

    def _write_settings(self, plan: ShopPlan, values: dict[str, object]) -> None:
        if plan.run_dir is not None:
            folder = plan.run_dir / "settings"
            folder.mkdir(parents=True, exist_ok=True)
            content = orjson.dumps(shown(values), option=orjson.OPT_INDENT_2)
            (folder / "values.json").write_bytes(content)

    def _folder(self) -> Path:
        if self._work is None:
            raise PlatformError(2, "the shop has not been deployed")
        return self._work

    def _remove_folder(self) -> None:
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)

    def _running(self, service: str | None = None) -> RunningShop:
        if self._shop is None:
            raise PlatformError(2, "the shop has not been deployed")
        if service is not None:
            self._shop.require(service)
        return self._shop
