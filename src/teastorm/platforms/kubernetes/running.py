"""A deployed release: what was wished for, everything that follows it, and what can be done to it."""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import orjson

from teastorm.platforms.base import PlatformError, Replica, ShopPlan
from teastorm.platforms.endpoints import EndpointsFile, ready_endpoints, write_atomically
from teastorm.platforms.faults import AnyFault, fault_body, fault_words, takers
from teastorm.platforms.kubernetes import metrics_api, namespace, reach
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.autoscaling import Autoscalers, rows
from teastorm.platforms.kubernetes.effects import Effect, Effects
from teastorm.platforms.kubernetes.errors import ClusterError
from teastorm.platforms.kubernetes.fleet import Fleet
from teastorm.platforms.kubernetes.logs import save_logs
from teastorm.platforms.kubernetes.operations import Operations
from teastorm.platforms.kubernetes.pods import INSTANCE_LABEL
from teastorm.platforms.kubernetes.proxy import PodProxy
from teastorm.platforms.kubernetes.scaling import Scaling
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.undo import clear_injected
from teastorm.platforms.kubernetes.watch import Watcher


@dataclass(kw_only=True)
class RunningShop:
    """The release of one run. Its methods may be called from any thread, one at a time a service."""

    plan: ShopPlan
    token: str
    api: Api
    settings: ClusterSettings
    fleet: Fleet
    watcher: Watcher
    autoscalers: Autoscalers
    autoscaler_watcher: Watcher
    effects: Effects
    operations: Operations
    scaling: Scaling
    proxy: PodProxy
    reached: set[str] = field(default_factory=set)

    @classmethod
    def follow(
        cls,
        api: Api,
        settings: ClusterSettings,
        plan: ShopPlan,
        *,
        token: str,
        effects: Effects,
        endpoints_file: Path,
    ) -> Self:
        """Watch its pods and autoscalers from now on; ready pods are published to the file.

        `PlatformError` (3) when an autoscaler follows a metric that nothing serves.
        """
        file = EndpointsFile(endpoints_file)
        services = tuple(plan.replicas)
        fleet = Fleet(services, lambda found: _publish(file, services, found))
        autoscalers = Autoscalers(settings.release)
        within = f"namespaces/{settings.namespace}/horizontalpodautoscalers"
        where = f"/apis/autoscaling/v2/{within}"
        metrics_api.require(api, api.get(where).get("items") or [])

        def watch(path: str, follower: Fleet | Autoscalers) -> Watcher:
            watcher = Watcher(
                api,
                path,
                on_list=follower.replace_all,
                on_event=follower.apply,
                selector=f"{INSTANCE_LABEL}={settings.release}",
            )
            watcher.open()
            return watcher

        return cls(
            plan=plan,
            token=token,
            api=api,
            settings=settings,
            fleet=fleet,
            watcher=watch(f"{namespace.path_of(settings.namespace)}/pods", fleet),
            autoscalers=autoscalers,
            autoscaler_watcher=watch(where, autoscalers),
            effects=effects,
            operations=Operations(api, settings, fleet, effects),
            scaling=Scaling(api, settings, fleet, effects, plan.replicas),
            proxy=PodProxy(api, settings.namespace),
        )

    def replicas(self, service: str | None = None) -> list[Replica]:
        """Living replicas; `ClusterError` (3) when the cluster has not answered for half a minute."""
        if service is not None:
            self.plan.require(service)
        if (lost := self.watcher.lost()) is not None:
            raise lost
        return [pod.replica() for pod in self.fleet.pods(service)]

    def require_reached(self, services: Sequence[str]) -> None:
        """`PlatformError` (3) when the API server's proxy does not reach a service, once for each."""
        for service in services:
            ready = [replica for replica in self.replicas(service) if replica.ready]
            if ready and service not in self.reached:
                reach.require(self.proxy, ready[:1])
                self.reached.add(service)

    def inject(self, service: str, spec: AnyFault, replica_id: str | None) -> None:
        """Tell each of its `takers`; `PlatformError` (3) when there is none."""
        chosen = takers(service, self.replicas(service), replica_id)
        body = fault_body(spec, self.replicas)
        self.effects.note(_injected(service))
        for replica in chosen:
            self.proxy.faults(replica, "POST", body, self.token)
        self.fleet.record("fault_set", service, None, fault_words(spec, len(chosen)))

    def clear(self, service: str) -> None:
        """End what was injected; `PlatformError` (5) when a living, ready replica refuses."""
        try:
            clear_injected(self.api, self.settings, service)
        except ClusterError as error:
            raise PlatformError(5, error.sentence) from error
        self.effects.strike(_injected(service))

    def save(self, folder: Path) -> None:
        """The pods' logs, and autoscaling.json where an autoscaler ruled."""
        pods = [*self.fleet.pods(), *self.fleet.others("postgresql")]
        save_logs(self.api, self.settings.namespace, pods, folder / "logs")
        samples = self.autoscalers.samples()
        if not samples:
            return
        to_unix_s = time.time() - time.monotonic()
        with self.fleet.changed:
            came = [m.as_json(uid, to_unix_s) for uid, m in self.fleet.moments.items()]
        content = {
            "schema": "teastorm.autoscaling/1",
            "samples": rows(samples, to_unix_s=to_unix_s),
            "pods": came,
        }
        write_atomically(folder / "autoscaling.json", orjson.dumps(content))

    def end_watching(self) -> None:
        """No more following, and no more scaling that was to come later."""
        self.scaling.close()
        self.watcher.close()
        self.autoscaler_watcher.close()


def _publish(file: EndpointsFile, services: Sequence[str], found: Sequence[Replica]) -> None:
    with contextlib.suppress(FileNotFoundError):  # torn down while a last event came in
        file.publish(ready_endpoints(services, found))


def _injected(service: str) -> Effect:
    return Effect(kind="injected", subject=service, at_unix_s=time.time())
