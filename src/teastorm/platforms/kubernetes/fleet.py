"""What is known of the release's pods, kept fresh by a watch, and what happened to them.

Events carry this process's monotonic clock at the moment the watch told of them: the API server's
own timestamps have whole seconds only.
"""

import threading
import time
from collections.abc import Callable, Iterable

from teastorm.platforms.base import Event, EventKind, Replica
from teastorm.platforms.kubernetes.api import Json
from teastorm.platforms.kubernetes.lag import Moments
from teastorm.platforms.kubernetes.pods import Pod, parse_pod


class Fleet:
    """The pods by name, their events, and a condition that is notified on every change.

    `evicted` holds the reason of each disrupted pod by UID, `gone` pods by name as they were last.

    Safe to call from any thread. `publish` is called, under the lock, after each change with the
    living replicas.
    """

    def __init__(
        self,
        services: Iterable[str],
        publish: Callable[[list[Replica]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.services = tuple(services)
        self.events: list[Event] = []
        self.moments: dict[str, Moments] = {}
        self.evicted: dict[str, str] = {}
        self.gone: dict[str, Pod] = {}
        self._pods: dict[str, Pod] = {}
        self._others: dict[str, Pod] = {}
        self._publish = publish
        self._clock = clock

    def pods(self, service: str | None = None) -> list[Pod]:
        """Living pods of the services (of one, or of all), oldest first."""
        with self.changed:
            found = [p for p in self._pods.values() if service in {None, p.component}]
        return sorted(found, key=lambda pod: (pod.created_s, pod.name))

    def others(self, component: str) -> list[Pod]:
        """Living pods of the release that are no service: PostgreSQL, Prometheus."""
        with self.changed:
            return [pod for pod in self._others.values() if pod.component == component]

    def troubles(self) -> list[str]:
        """Why pods will not come up by themselves, services and others, each in words."""
        with self.changed:
            pods = [*self._pods.values(), *self._others.values()]
            return [words for pod in pods if not pod.deleting and (words := pod.trouble())]

    def unscheduled(self) -> list[str]:
        """Pods that no node takes, with the scheduler's words."""
        with self.changed:
            return [
                f"{pod.name}: {pod.scheduling_trouble}"
                for pod in (*self._pods.values(), *self._others.values())
                if pod.scheduling_trouble
            ]

    def replace_all(self, items: list[Json]) -> None:
        """A fresh list: what is missing in it is gone."""
        with self.changed:
            listed = [parse_pod(item) for item in items]
            names = {pod.name for pod in listed}
            for pod in [p for p in self._pods.values() if p.name not in names]:
                self._remove(pod)
            self._others = {n: p for n, p in self._others.items() if n in names}
            for pod in listed:
                self._take(pod)
            self._tell()

    def apply(self, kind: str, item: Json) -> None:
        """One event of the watch (or an object that an answer held): ADDED, MODIFIED, DELETED."""
        with self.changed:
            pod = parse_pod(item)
            if kind == "DELETED":
                known = self._pods.get(pod.name)
                if known is not None and known.uid == pod.uid:
                    self._note_disruption(pod)
                    self._remove(pod)
                self._others.pop(pod.name, None)
            else:
                self._take(pod)
            self._tell()

    def record(self, kind: EventKind, service: str, pod: Pod | None, detail: str = "") -> None:
        """Add an event, now."""
        with self.changed:
            self.events.append(
                Event(
                    at_s=self._clock(),
                    kind=kind,
                    service=service,
                    replica_id="" if pod is None else pod.name,
                    started_unix_s=None if pod is None else pod.container_started_s,
                    detail=detail,
                    uid="" if pod is None else pod.identity,
                )
            )
            self.changed.notify_all()

    def wait_for(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Block until `done` (called under the lock) or the time is up; says which."""
        with self.changed:
            return bool(self.changed.wait_for(done, timeout_s))

    def _take(self, pod: Pod) -> None:
        if pod.component not in self.services:
            if pod.alive:
                self._others[pod.name] = pod
            return
        before = self._pods.get(pod.name)
        if before is not None and before.uid != pod.uid:
            self._remove(before)
            before = None
        if not pod.alive:
            if before is not None:
                self._remove(pod)
            return
        self._pods[pod.name] = pod
        self._note_disruption(pod)
        self._note_moments(pod)
        if before is None:
            self.record("replica_started", pod.component, pod)
        elif pod.restarts != before.restarts:
            self.record("replica_restarted", pod.component, pod, pod.last_exit)
        was, now = before is not None and _takes_traffic(before), _takes_traffic(pod)
        # One that is deleted before it was ready is told of too: it did not go by itself.
        deleted = pod.deleting and (before is None or not before.deleting)
        if was != now or deleted:
            detail = "stopping" if pod.deleting else ""
            kind: EventKind = "replica_ready" if now else "replica_unready"
            self.record(kind, pod.component, pod, detail)

    def _remove(self, pod: Pod) -> None:
        self._pods.pop(pod.name, None)
        self.gone[pod.name] = pod
        self.record("replica_gone", pod.component, pod, pod.disruption or pod.last_exit)

    def _note_disruption(self, pod: Pod) -> None:
        if pod.disruption:
            self.evicted[pod.uid] = pod.disruption

    def _note_moments(self, pod: Pod) -> None:
        now_s = self._clock()
        moments = self.moments.setdefault(pod.uid, Moments(service=pod.component, seen_s=now_s))
        if pod.scheduled and moments.scheduled_s is None:
            moments.scheduled_s = now_s
        if pod.running and moments.started_s is None:
            moments.started_s = now_s
        if pod.ready and moments.ready_s is None:
            moments.ready_s = now_s

    def _tell(self) -> None:
        self._publish([pod.replica() for pod in self.pods()])
        self.changed.notify_all()


def _takes_traffic(pod: Pod) -> bool:
    return pod.ready and not pod.deleting
