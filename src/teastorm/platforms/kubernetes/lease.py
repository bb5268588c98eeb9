"""One run at a time in a namespace: a coordination.k8s.io Lease that a living runner renews.

As client-go's leader election keeps one (client-go/tools/leaderelection): whoever sees it unrenewed
for its whole duration, by its own clock, may take it over, and the resourceVersion decides a race.
What a lease tells of its holder is `occupancy`'s to say.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.api import Api, Json
from teastorm.platforms.kubernetes.errors import ClusterError, Conflict, NotThere
from teastorm.platforms.kubernetes.holder import Holder
from teastorm.platforms.kubernetes.occupancy import (
    NAME,
    list_path,
    named_holder,
    path_of,
    settled_holder,
)

DURATION_S = 30
RENEW_S = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


class RunLease:
    """Held from `acquire` to `release`, renewed by a thread. `lost` tells when it was taken.

    `now` stamps renewals; `clock` (monotonic) and `wait` are what another's silence is timed by.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        *,
        now: Callable[[], datetime] = _now,
        renew_s: float = RENEW_S,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.holder = str(Holder.of_this_process())
        self.lost = False
        self._api = api
        self._namespace = namespace
        self._now = now
        self._renew_s = renew_s
        self._clock = clock
        self._wait = wait
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> None:
        """Take it; `PlatformError` (3) naming who has it."""
        try:
            self._api.post(list_path(self._namespace), self._body({}))
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
            found = self._api.get(path_of(self._namespace))
            if named_holder(found) == self.holder:
                self._api.delete(path_of(self._namespace))
        except ClusterError:
            return

    def still_held(self) -> bool:
        """Ask once more, before anything that only the holder may do; an unreachable server is a yes.

        Whoever was cut off from the server for long may have lost it without having been told.
        """
        try:
            found = self._api.get(path_of(self._namespace))
        except ClusterError:  # also when the namespace went, and the lease with it
            return not self.lost
        self.lost = self.lost or named_holder(found) != self.holder
        return not self.lost

    def _take_over(self) -> None:
        try:
            found = self._api.get(path_of(self._namespace))
        except NotThere:  # let go at this very moment
            found = {"metadata": {}}
        alive = settled_holder(
            self._api, self._namespace, found, now=self._now(), clock=self._clock, wait=self._wait
        )
        if alive and alive != self.holder:
            raise _held(self._namespace, alive)
        try:
            if "resourceVersion" in found["metadata"]:
                self._api.put(path_of(self._namespace), self._body(found["metadata"]))
            else:
                self._api.post(list_path(self._namespace), self._body({}))
        except (Conflict, NotThere) as error:
            raise _held(self._namespace, "another run that was quicker") from error

    def _keep(self) -> None:
        while not self._ending.wait(self._renew_s):
            try:
                found = self._api.get(path_of(self._namespace))
                if named_holder(found) != self.holder:
                    self.lost = True
                    return
                self._api.put(path_of(self._namespace), self._body(found["metadata"]))
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


def _held(namespace: str, holder: str) -> PlatformError:
    """The refusal of a second run."""
    return PlatformError(
        3,
        f"another run holds namespace {namespace} ({holder}); wait for it, or end it with "
        "`teastorm down --platform kubernetes`",
    )
