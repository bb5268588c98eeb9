"""One pod as the API server tells it, with the few fields that a replica needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from teastorm.platforms.base import Replica
from teastorm.platforms.kubernetes.api import Json

INSTANCE_LABEL = "app.kubernetes.io/instance"
COMPONENT_LABEL = "app.kubernetes.io/component"
HOPELESS = frozenset(
    {
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
"""Reasons of a waiting container that time alone does not heal. ErrImagePull becomes
ImagePullBackOff at the second try, seconds later: one failed pull may be a registry's hiccup."""

CRASH_LOOP = 2


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod of the release. Times are Unix seconds, None until the moment came.

    `restarts`, `container_started_s` and `waiting` are of its one service container (the first).
    `ready_since_s` is since when it is ready, None while it is not. `host_ip` is its node's address. `disruption` is the reason of its DisruptionTarget condition: who evicted it.
    """

    name: str
    uid: str
    component: str
    node: str
    ip: str
    phase: str
    created_s: float
    ready: bool
    deleting: bool
    ports: Mapping[str, int]
    container: str
    host_ip: str = ""
    restarts: int = 0
    container_started_s: float | None = None
    running: bool = False
    scheduled: bool = False
    scheduled_at_s: float | None = None
    ready_since_s: float | None = None
    scheduling_trouble: str = ""
    waiting: str = ""
    waiting_message: str = ""
    last_exit: str = ""
    image: str = ""
    disruption: str = ""

    @property
    def alive(self) -> bool:
        """Whether anything of it may still run."""
        return self.phase not in {"Succeeded", "Failed"}

    @property
    def identity(self) -> str:
        """Pod UID and container restart count: what a replacement changes."""
        return f"{self.uid}/{self.restarts}"

    def replica(self) -> Replica:
        """The pod as every platform shows a replica."""
        return Replica(
            service=self.component,
            replica_id=self.name,
            host=self.ip,
            port=self.ports.get("http", 0),
            admin_port=self.ports.get("admin", 0),
            pid=None,
            started_unix_s=self.container_started_s or self.created_s,
            ready=self.ready and not self.deleting,
            uid=self.uid,
            restarts=self.restarts,
        )

    def trouble(self) -> str:
        """Why it will not come up by itself, in words; empty while there is hope."""
        if self.waiting in HOPELESS:
            said = f": {self.waiting_message}" if self.waiting_message else ""
            fix = _fix(self.waiting)
            return f"{self.name}: {self.waiting} of image {self.image}{said[:200]}{fix}"
        if self.waiting == "CrashLoopBackOff" and self.restarts >= CRASH_LOOP:
            return (
                f"{self.name}: ends as it starts, {self.restarts} times ({self.last_exit or '?'}); "
                f"kubectl logs {self.name} --previous"
            )
        return ""


def parse_pod(body: Json) -> Pod:
    """A Pod object as JSON; missing parts of a pod that has just been made are empty."""
    meta, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
    containers = spec.get("containers") or [{}]
    statuses = {s["name"]: s for s in status.get("containerStatuses") or []}
    first = containers[0]
    state = statuses.get(first.get("name"), {})
    now = state.get("state") or {}
    ended = (state.get("lastState") or {}).get("terminated") or now.get("terminated") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or []}
    scheduled = conditions.get("PodScheduled", {})
    waiting = now.get("waiting") or {}
    init_waiting = _first_waiting(status.get("initContainerStatuses") or [])
    labels = meta.get("labels") or {}
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        component=labels.get(COMPONENT_LABEL, ""),
        node=spec.get("nodeName", ""),
        ip=status.get("podIP", ""),
        host_ip=status.get("hostIP", ""),
        phase=status.get("phase", "Pending"),
        created_s=unix_s(meta.get("creationTimestamp")) or 0.0,
        ready=conditions.get("Ready", {}).get("status") == "True",
        deleting="deletionTimestamp" in meta,
        ports={
            port.get("name", ""): int(port["containerPort"])
            for container in containers
            for port in container.get("ports") or []
        },
        container=first.get("name", ""),
        restarts=int(state.get("restartCount", 0)),
        container_started_s=unix_s((now.get("running") or {}).get("startedAt")),
        running="running" in now,
        scheduled=scheduled.get("status") == "True",
        scheduled_at_s=_since_s(scheduled),
        ready_since_s=_since_s(conditions.get("Ready", {})),
        scheduling_trouble=scheduled.get("message", "")
        if scheduled.get("status") == "False"
        else "",
        waiting=waiting.get("reason") or init_waiting.get("reason", ""),
        waiting_message=waiting.get("message") or init_waiting.get("message", ""),
        last_exit=_exit_words(ended),
        image=first.get("image", ""),
        disruption=conditions.get("DisruptionTarget", {}).get("reason", ""),
    )


def unix_s(text: str | None) -> float | None:
    """An API timestamp (`2026-02-06T08:00:00Z`) in Unix seconds."""
    return None if not text else datetime.fromisoformat(text).timestamp()


def _since_s(condition: Json) -> float | None:
    """When a condition became true; None while it is not."""
    return (
        unix_s(condition.get("lastTransitionTime")) if condition.get("status") == "True" else None
    )


def _first_waiting(statuses: list[Json]) -> Json:
    for status in statuses:
        waiting: Json = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in {None, "PodInitializing"}:
            return waiting
    return {}


def _exit_words(ended: Json) -> str:
    if not ended:
        return ""
    return f"{ended.get('reason', 'ended')}, exit {ended.get('exitCode', '?')}"


def _fix(reason: str) -> str:
    if "Image" in reason:
        return (
            "; load it into the nodes (make kind-up) or name one that can be pulled "
            "(image.repository, image.tag, image.pullSecrets)"
        )
    return ""
