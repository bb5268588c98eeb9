"""One run at a time in a namespace: a coordination.k8s.io Lease that a living runner renews.

As client-go's leader election keeps one (client-go/tools/leaderelection): whoever finds it
unrenewed for its whole duration may take it over, and the resourceVersion decides a race. A
holder of this machine whose process is gone has lost it at once.
"""

import os
import socket
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.api import Api, Json
from teastorm.platforms.kubernetes.errors import ClusterError, Conflict, NotThere
from teastorm.platforms.kubernetes.pods import unix_s
from teastorm.platforms.local.process import start_time

NAME = "teastorm-run"
DURATION_S = 30
RENEW_S = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


class RunLease:
    """Held from `acquire` to `release`, renewed by a thread. `lost` tells when it was taken."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        *,
        now: Callable[[], datetime] = _now,
        renew_s: float = RENEW_S,
    ) -> None:
        self.holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self.lost = False
        self._api = api
        self._namespace = namespace
        self._now = now
        self._renew_s = renew_s
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> None:
        """Take it; `PlatformError` (3) naming who has it."""
        try:
            self._api.post(_list_path(self._namespace), self._body({}))
        except Conflict:
            self._take_over()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Let it go; harmless when not held, or when the namespace went first."""
        self._ending.set()
        if self._thread is None:
            return
        self._thread.join(timeout=self._renew_s)
        self._thread = None
        try:
            found = self._api.get(_path(self._namespace))
            if _holder(found) == self.holder:
                self._api.delete(_path(self._namespace))
        except ClusterError:
            return

    def _take_over(self) -> None:
        found = self._api.get(_path(self._namespace))
        if (alive := living_holder(found, self._now())) and alive != self.holder:
            raise held(self._namespace, alive)
        try:
            self._api.put(_path(self._namespace), self._body(found["metadata"]))
        except Conflict as error:
            raise held(self._namespace, "another run that was quicker") from error

    def _keep(self) -> None:
        while not self._ending.wait(self._renew_s):
            try:
                found = self._api.get(_path(self._namespace))
                if _holder(found) != self.holder:
                    self.lost = True
                    return
                self._api.put(_path(self._namespace), self._body(found["metadata"]))
            except NotThere:
                self.lost = not self._ending.is_set()
                return
            except ClusterError:
                continue  # tried again before the lease runs out; the watch tells of a lost cluster

    def _body(self, found: Json) -> Json:
        meta = {"name": NAME, "namespace": self._namespace}
        if "resourceVersion" in found:
            meta["resourceVersion"] = found["resourceVersion"]
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": meta,
            "spec": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": DURATION_S,
                "renewTime": self._now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        }


def read_holder(api: Api, namespace: str, *, now: datetime | None = None) -> str | None:
    """Who holds the namespace now; None when nobody living does."""
    try:
        found = api.get(_path(namespace))
    except NotThere:
        return None
    return living_holder(found, now or _now())


def living_holder(lease: Json, now: datetime) -> str | None:
    """The holder, unless its lease ran out or it was a process of this machine that is gone."""
    spec = lease.get("spec") or {}
    holder = _holder(lease)
    renewed_s = unix_s(spec.get("renewTime")) or 0.0
    if not holder or now.timestamp() - renewed_s > float(spec.get("leaseDurationSeconds") or 0):
        return None
    host, _, rest = holder.partition("/")
    pid = rest.partition("/")[0]
    if host == socket.gethostname() and pid.isdecimal() and start_time(int(pid)) is None:
        return None
    return holder


def held(namespace: str, holder: str) -> PlatformError:
    """The refusal of a second run."""
    return PlatformError(
        3,
        f"another run holds namespace {namespace} ({holder}); wait for it, or end it with "
        "`teastorm down --platform kubernetes`",
    )


def _holder(lease: Json) -> str:
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def _list_path(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


def _path(namespace: str) -> str:
    return f"{_list_path(namespace)}/{NAME}"
