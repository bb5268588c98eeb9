"""What only a cluster can do to a shop: faults of pods, containers, nodes and the database.

Each call causes one thing and returns; what came of it is seen through the watch, never taken
from the call's own answer.
"""

import contextlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes import exec as execs
from teastorm.platforms.kubernetes.api import Api, Json
from teastorm.platforms.kubernetes.effects import Effect, Effects
from teastorm.platforms.kubernetes.errors import ClusterError, Conflict, NotThere, TooMany
from teastorm.platforms.kubernetes.fleet import Fleet
from teastorm.platforms.kubernetes.namespace import path_of
from teastorm.platforms.kubernetes.pods import Pod
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.platforms.kubernetes.undo import mark_node, thaw

DATABASE = "postgresql"


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """How far a Deployment's change has come: `done` as `kubectl rollout status` says it."""

    generation: int
    done: bool


class Operations:
    """Faults of a deployed release. Thread-safe."""

    def __init__(self, api: Api, settings: ClusterSettings, fleet: Fleet, effects: Effects) -> None:
        self._api = api
        self._settings = settings
        self._fleet = fleet
        self._effects = effects

    def delete(self, pod: Pod, *, grace_s: int | None) -> Json:
        """Delete a pod, if it is still that one; `grace_s` 0 at once, None its own grace."""
        options: Json = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "preconditions": {"uid": pod.uid},
        }
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        return self._api.delete(self._pod(pod.name), options)

    def kill(self, pod: Pod) -> None:
        """SIGKILL the service, then delete its pod at once.

        The deletion alone leaves the kubelet two seconds and the `preStop` hook, in which a pod
        that the API server has forgotten goes on answering (kubelet's minimum grace period). Where
        nobody may exec, or the container is dead already, it has to do.
        """
        with contextlib.suppress(ClusterError):
            self._signal(pod, "KILL")
        self.delete(pod, grace_s=0)

    def kill_container(self, replica_id: str) -> None:
        """SIGKILL the service in its container: same pod, one restart more."""
        pod = self.pod(replica_id)
        self._signal(pod, "KILL")

    def freeze(self, replica_id: str) -> None:
        """SIGSTOP the service; it is written down until `thaw`."""
        pod = self.pod(replica_id)
        self._effects.note(_frozen(pod))
        self._signal(pod, "STOP")

    def thaw(self, replica_id: str) -> None:
        """SIGCONT; harmless when the pod or its container was replaced meanwhile."""
        frozen = [e for e in self._effects.read() if e.kind == "frozen"]
        for effect in frozen:
            if effect.subject == replica_id:
                thaw(self._api, self._settings, effect)
                self._effects.strike(effect)

    def hang_limit_s(self, replica_id: str) -> float:
        """How long a hang may last before liveness kills the container."""
        found = self._api.get(self._pod(replica_id))
        probe = (found["spec"]["containers"][0]).get("livenessProbe") or {}
        if not probe:
            return float("inf")
        # The first failing probe may come as soon as the hang begins; the kubelet waits for each.
        failures = float(probe.get("failureThreshold", 3)) - 1
        return failures * float(probe.get("periodSeconds", 10)) + float(
            probe.get("timeoutSeconds", 1)
        )

    def restart(self, service: str) -> int:
        """Begin a rolling restart (`kubectl rollout restart`); the generation to wait for."""
        stamp = {"teastorm/restarted-at": datetime.now(UTC).isoformat()}
        body = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
        return int(self._api.patch(self._deployment(service), body)["metadata"]["generation"])

    def rollout(self, service: str) -> Rollout:
        """How far it is (kubectl's polymorphichelpers/rollout_status.go)."""
        found = self._api.get(self._deployment(service))
        wanted = int((found.get("spec") or {}).get("replicas", 1))
        status = found.get("status") or {}
        seen = int(status.get("observedGeneration", 0))
        counts = [int(status.get(name, 0)) for name in ("replicas", "updatedReplicas")]
        available = int(status.get("availableReplicas", 0))
        done = counts == [wanted, wanted] and available == wanted
        generation = int(found["metadata"]["generation"])
        return Rollout(generation=seen, done=done and seen >= generation)

    def refused(self, service: str) -> str:
        """Why a service's pods are not even made, in the API server's words; empty when they are."""
        found = self._api.get(self._deployment(service))
        for condition in (found.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
                return " ".join(str(condition.get("message", "")).split())[:400]
        return ""

    def cordon(self, node: str) -> None:
        """No new pods for a node; it is written down until `uncordon`."""
        self._effects.note(_cordoned(node))
        mark_node(self._api, node, unschedulable=True)

    def uncordon(self, node: str) -> None:
        """The node takes pods again."""
        with contextlib.suppress(NotThere):
            mark_node(self._api, node, unschedulable=False)
        self._effects.strike(_cordoned(node))

    def evict(self, pod: Pod) -> bool:
        """Ask for an eviction; False when a disruption budget says not now.

        True also when the pod is gone already, or another one (409) has its name.
        """
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": self._settings.namespace},
            "deleteOptions": {"preconditions": {"uid": pod.uid}},
        }
        try:
            self._api.post(f"{self._pod(pod.name)}/eviction", body)
        except TooMany:
            return False
        except (NotThere, Conflict):
            return True
        return True

    def schedulable(self) -> list[str]:
        """Nodes that take pods now."""
        found = self._api.get("/api/v1/nodes")
        return [
            str(node["metadata"]["name"])
            for node in found.get("items") or []
            if not (node.get("spec") or {}).get("unschedulable")
            and not any(
                taint.get("effect") in {"NoSchedule", "NoExecute"}
                for taint in (node.get("spec") or {}).get("taints") or []
            )
        ]

    def pods(self, service: str | None = None) -> list[Pod]:
        """Living pods of the services."""
        return self._fleet.pods(service)

    def pod(self, replica_id: str) -> Pod:
        """A living pod by name; `PlatformError` (2) otherwise."""
        for pod in self._fleet.pods():
            if pod.name == replica_id:
                return pod
        raise PlatformError(2, f"no living replica is called {replica_id}")

    def database(self) -> Pod | None:
        """PostgreSQL's pod; None when the release has none, or it is between two lives."""
        return next(iter(self._fleet.others(DATABASE)), None)

    def disruption_of(self, uid: str) -> str:
        """The reason of a pod's DisruptionTarget condition, seen before it went; or empty."""
        return self._fleet.evicted.get(uid, "")

    def _signal(self, pod: Pod, signal: str) -> None:
        execs.signal_service(self._api, self._settings.namespace, pod.name, pod.container, signal)

    def _pod(self, name: str) -> str:
        return f"{path_of(self._settings.namespace)}/pods/{name}"

    def _deployment(self, service: str) -> str:
        where = f"/apis/apps/v1/namespaces/{self._settings.namespace}/deployments"
        return f"{where}/{self._settings.release}-{service}"


def _frozen(pod: Pod) -> Effect:
    return Effect(kind="frozen", subject=pod.name, at_unix_s=time.time(), uid=pod.uid)


def _cordoned(node: str) -> Effect:
    return Effect(kind="cordoned", subject=node, at_unix_s=time.time())
