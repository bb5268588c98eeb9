"""A load from inside the cluster, as the session sees any load: started, followed, fetched, ended.

The master's output is followed through its log; each worker's part of the request log is fetched
by exec, and joined here as the parts of local workers are.
"""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from teastorm.load.errors import LoadDidNotStart, LoadFailed, LoadTimedOut
from teastorm.load.evidence import PARTS, LoadReport, merge
from teastorm.load.health import stay_awake
from teastorm.load.progress import Progress
from teastorm.platforms.kubernetes import load_manifests as manifests
from teastorm.platforms.kubernetes.api import Api, Json
from teastorm.platforms.kubernetes.errors import ClusterError, NotThere
from teastorm.platforms.kubernetes.load_pods import LoadPods
from teastorm.platforms.kubernetes.namespace import path_of
from teastorm.platforms.kubernetes.pods import Pod
from teastorm.platforms.kubernetes.waiting import PODS_COME_WITHIN_S

STARTS_WITHIN_S = 120.0
ENDS_WITHIN_S = 40.0
POLL_S = 0.5


class InsideLoad:
    """`start` returns once its clock is set. Methods may be called from one thread at a time."""

    def __init__(self, api: Api, inside: manifests.InsidePlan, run_dir: Path) -> None:
        self.load_start_s = 0.0
        self._api = api
        self._inside = inside
        self._run_dir = run_dir
        self._space = path_of(inside.namespace)
        self._pods = LoadPods(api, inside)
        self._lines: queue.SimpleQueue[Json] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._last_words = "it said nothing"
        self._awake: BinaryIO | None = None
        self._report: LoadReport | None = None

    def start(self) -> None:
        """Make the objects and wait for the first second; `LoadDidNotStart` (all removed) otherwise."""
        try:
            self._remove()
            # The pods may not ask for it; a cluster on this machine gains by it.
            self._awake = stay_awake()
            self._api.post(f"{self._space}/configmaps", manifests.config_map(self._inside))
            self._api.post(f"{self._space}/services", manifests.service(self._inside))
            made = [self._api.post(self._jobs(), job) for job in manifests.jobs(self._inside)]
            self._await_start([str(job["metadata"]["uid"]) for job in made])
        except ClusterError as error:
            self._remove()
            raise LoadDidNotStart(error.sentence) from error
        except BaseException:
            self._remove()
            raise

    @property
    def running(self) -> bool:
        """Whether the master still works."""
        return not self._ended.is_set()

    def poll_progress(self) -> list[Progress]:
        """Lines since the last call, oldest first; never blocks."""
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                second = Progress.of(self._lines.get_nowait())
                if second is not None:
                    found.append(second)
        return found

    def wait(self, timeout_s: float) -> LoadReport:
        """Block until the schedule has ended, fetch and join the log; see `LoadProcess.wait`."""
        if not self._ended.wait(timeout_s):
            self.stop()
            raise LoadTimedOut(
                f"the load inside the cluster did not end within {timeout_s:.0f} s; it was stopped."
            )
        report = self._collect()
        if report is None:
            raise LoadFailed("the load inside the cluster left no log; see logs/load-*.log.")
        return report

    def stop(self) -> LoadReport | None:
        """Interrupt every generator, fetch what it did, remove it; None when there is nothing.

        After `wait` or an earlier `stop` it gives what those found.
        """
        for pod in self._pods.living():
            with contextlib.suppress(ClusterError):
                self._pods.sh(pod, f"kill -INT $(cat {manifests.FOLDER}/pid)")
        self._ended.set()
        return self._collect()

    def _await_start(self, job_uids: Sequence[str]) -> None:
        began_s = time.monotonic()
        following = False
        pods: list[Pod] = []
        while time.monotonic() < began_s + STARTS_WITHIN_S:
            pods = self._pods.made()
            self._require_hope(pods, job_uids, time.monotonic() - began_s)
            master = next((pod for pod in pods if _is_master(pod)), None)
            if master is not None and master.running and not following:
                threading.Thread(target=self._follow, args=(master,), daemon=True).start()
                following = True
            with contextlib.suppress(queue.Empty):
                line = self._lines.get(timeout=POLL_S)
                if "load_start_s" in line and master is not None:
                    self.load_start_s = float(line["load_start_s"])
                    self._pods.fetch(master, "plan.json", self._run_dir / "plan.json")
                    return
            if self._ended.is_set():
                raise LoadDidNotStart(f"the load's master ended as it started: {self._last_words}")
        unscheduled = [f"; {p.name}: {p.scheduling_trouble}" for p in pods if p.scheduling_trouble]
        late = f"the load did not start in the cluster in {STARTS_WITHIN_S:.0f} s"
        raise LoadDidNotStart("".join([late, *unscheduled[:1]]))

    def _require_hope(self, pods: Sequence[Pod], job_uids: Sequence[str], after_s: float) -> None:
        """`LoadDidNotStart` when a pod cannot come up by itself, or when the API server takes none."""
        trouble = next((words for pod in pods if pod.alive and (words := pod.trouble())), "")
        # What a quota counts may be on its way out for a while, an earlier load's pods among it.
        late = after_s >= PODS_COME_WITHIN_S and len(pods) < 1 + self._inside.workers
        if late and not trouble:
            trouble = self._pods.refused(job_uids)
        if trouble:
            raise LoadDidNotStart(f"the load cannot start inside the cluster: {trouble}")

    def _follow(self, master: Pod) -> None:
        path = f"{self._space}/pods/{master.name}/log?follow=true"
        try:
            for line in self._api.lines(path):
                if not line.startswith(b"{"):
                    self._last_words = line.decode(errors="replace").strip() or self._last_words
                    continue
                with contextlib.suppress(json.JSONDecodeError):
                    content: Any = json.loads(line)
                    if "ended" in content:
                        break
                    if content:
                        self._lines.put(content)
        except ClusterError:
            pass  # the log broke off: what there is of the load is fetched all the same
        self._ended.set()

    def _collect(self) -> LoadReport | None:
        """The log and nothing left of its objects; once, since it is gone with them."""
        if self._report is None:
            self._report = self._fetch()
        self._remove()
        return self._report

    def _fetch(self) -> LoadReport | None:
        (self._run_dir / PARTS).mkdir(exist_ok=True)
        (self._run_dir / "logs").mkdir(exist_ok=True)
        for pod in self._pods.living():
            with contextlib.suppress(ClusterError):
                self._await_end(pod)
                if pod.name.startswith(manifests.WORKER):
                    for name in self._pods.sh(pod, f"ls {manifests.FOLDER}/{PARTS}").split():
                        self._pods.fetch(pod, f"{PARTS}/{name}", self._run_dir / PARTS / name)
                self._pods.sh(pod, f"touch {manifests.FOLDER}/fetched")
        with contextlib.suppress(LoadFailed):
            return merge(self._run_dir, self._inside.workers)
        return None

    def _await_end(self, pod: Pod) -> None:
        until_s = time.monotonic() + ENDS_WITHIN_S
        while time.monotonic() < until_s:
            if self._pods.sh(pod, f"cat {manifests.FOLDER}/ended 2>/dev/null || true").strip():
                return
            time.sleep(POLL_S)

    def _jobs(self) -> str:
        return f"/apis/batch/v1/namespaces/{self._inside.namespace}/jobs"

    def _remove(self) -> None:
        if self._awake is not None:  # first: a cluster that refuses the rest keeps no core awake
            self._awake.close()
        paths = [f"{self._jobs()}/{name}" for name in (manifests.MASTER, manifests.WORKER)]
        paths += [f"{self._space}/services/{manifests.MASTER}"]
        paths += [f"{self._space}/configmaps/{manifests.NAME}"]
        for path in paths:
            with contextlib.suppress(NotThere):
                self._api.delete(path, propagationPolicy="Background")


def _is_master(pod: Pod) -> bool:
    return pod.alive and pod.name.startswith(manifests.MASTER)
