"""What moves in a small cluster: a Deployment controller, and kubelets that start and end pods."""

import json
import threading
import time
from typing import TYPE_CHECKING

from tests.platforms.fake_objects import stamp

if TYPE_CHECKING:
    from tests.platforms.fake_cluster import FakeCluster

NOTICED_S = 0.3
"""A kubelet looks after its containers once a second, no more often."""


class Controller:
    """Makes and ends the pods of a cluster's Deployments, in a thread of the caller's."""

    def __init__(self, cluster: "FakeCluster") -> None:
        self._cluster = cluster

    def run(self) -> None:
        while not self._cluster.closing:
            with self._cluster.lock:
                for path, body in list(self._cluster.objects.items()):
                    if body.get("kind") == "Deployment":
                        self._reconcile(path, body)
                    elif body.get("kind") == "Pod":
                        self._run_pod(path, body)
                    elif body.get("kind") == "Job" and self._cluster.takes_no_pods:
                        self._refuse_job(path, body["metadata"])
            threading.Event().wait(0.01)

    def _reconcile(self, path: str, deployment: dict) -> None:
        space = path.split("/")[5]
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        prefix = f"/api/v1/namespaces/{space}/pods"
        mine = [
            pod
            for pod in self._cluster.under(prefix)
            if pod["metadata"]["labels"] == labels and "deletionTimestamp" not in pod["metadata"]
        ]
        wanted = deployment["spec"]["replicas"]
        mark = json.dumps(deployment["spec"]["template"]["metadata"].get("annotations", {}))
        old = [pod for pod in mine if pod["_stamp"] != mark]
        if old and all(pod.get("_ready") for pod in mine) and len(mine) == wanted:
            self._make_pod(prefix, labels, mark)
            self.delete_pod(f"{prefix}/{old[0]['metadata']['name']}", grace_s=0.05)
            return
        ready = sum(bool(pod.get("_ready")) for pod in mine)
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(mine),
            "updatedReplicas": len(mine) - len(old),
            "availableReplicas": ready,
        }
        if self._cluster.takes_no_pods and len(mine) < wanted:
            said = {"message": self._cluster.takes_no_pods, "reason": "FailedCreate"}
            status["conditions"] = [{"type": "ReplicaFailure", "status": "True", **said}]
        if deployment.get("status") != status:
            self._cluster.put(path, deployment | {"status": status})
        for _ in range(0 if self._cluster.takes_no_pods else wanted - len(mine)):
            self._make_pod(prefix, labels, mark)
        young = sorted(mine, key=lambda pod: int(pod["metadata"]["uid"].split("-")[1]))
        for pod in young[wanted:]:
            self.delete_pod(f"{prefix}/{pod['metadata']['name']}", grace_s=0.05)

    def _refuse_job(self, path: str, meta: dict) -> None:
        """A Job gets no condition when its pods are not taken: there is an event."""
        where = f"/api/v1/namespaces/{path.split('/')[5]}/events/{meta['name']}.{meta['uid']}"
        if where not in self._cluster.objects:
            said = f"Error creating: {self._cluster.takes_no_pods}"
            what = {"involvedObject": {"kind": "Job", "uid": meta["uid"]}, "reason": "FailedCreate"}
            self._cluster.put(where, {**what, "message": said, "lastTimestamp": stamp()})

    def _make_pod(self, prefix: str, labels: dict, stamp: str) -> None:
        component = labels["app.kubernetes.io/component"]
        name = f"{labels['app.kubernetes.io/instance']}-{component}-{self._cluster.numbers + 1}"
        node = ("one", "two")[self._cluster.numbers % 2]
        ports = [{"name": "http", "containerPort": 8080}, {"name": "admin", "containerPort": 9000}]
        container = {"name": component, "image": "shop:1", "ports": ports}
        self._cluster.put(
            f"{prefix}/{name}",
            {
                "kind": "Pod",
                "metadata": {"name": name, "labels": dict(labels)},
                "spec": {"nodeName": node, "containers": [container]},
                "status": {"phase": "Pending", "podIP": f"10.0.0.{self._cluster.numbers + 1}"},
                "_born": time.monotonic(),
                "_stamp": stamp,
            },
        )

    def _run_pod(self, path: str, pod: dict) -> None:
        now = time.monotonic()
        if "deletionTimestamp" in pod["metadata"]:
            if now >= pod["_dies"] and not self._cluster.holds_pods:
                self._cluster.remove(path)
            return
        if "_killed" in pod:
            if now < pod["_killed"] + NOTICED_S:
                return
            del pod["_killed"]
            pod["_restarts"] = pod.get("_restarts", 0) + 1
            pod["_ready"] = None
        if self._cluster.waiting_reason and pod["status"]["phase"] == "Pending":
            state = {
                "waiting": {"reason": self._cluster.waiting_reason, "message": "pull access denied"}
            }
            if pod["status"].get("containerStatuses", [{}])[0].get("state") != state:
                self._state(path, pod, state, ready=False)
        elif now - pod["_born"] >= self._cluster.ready_after_s:
            ready = not pod.get("_stopped", False)
            running = {"running": {"startedAt": stamp()}}
            if pod["status"]["phase"] == "Pending" or pod.get("_ready") != ready:
                self._state(path, pod, running, ready=ready)

    def _state(self, path: str, pod: dict, state: dict, *, ready: bool) -> None:
        name = pod["spec"]["containers"][0]["name"]
        running = "running" in state
        pod["_ready"] = ready
        pod["status"] |= {
            "phase": "Running" if running else "Pending",
            "containerStatuses": [
                {"name": name, "restartCount": pod.get("_restarts", 0), "state": state}
            ],
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": str(ready)},
                *pod.get("_conditions", []),
            ],
        }
        self._cluster.put(path, pod)

    def delete_pod(self, path: str, *, grace_s: float) -> dict:
        pod = self._cluster.objects[path]
        if grace_s <= 0:
            self._cluster.remove(path)
        elif "deletionTimestamp" not in pod["metadata"]:
            pod["metadata"]["deletionTimestamp"] = stamp()
            pod["_dies"] = time.monotonic() + min(grace_s, 0.1)
            self._cluster.put(path, pod)
        return pod

    def signal(self, path: str, name: str) -> None:
        """What `kill` inside the container does."""
        with self._cluster.lock:
            pod = self._cluster.objects[path]
            self._cluster.signals.append((pod["metadata"]["name"], name))
            if name == "KILL":
                pod["_killed"] = time.monotonic()
            else:
                pod["_stopped"] = name == "STOP"
