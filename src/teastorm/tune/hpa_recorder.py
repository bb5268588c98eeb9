"""Looks at a cluster's HPA once a second, from a thread, while a load runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.errors import ClusterError
from teastorm.platforms.kubernetes.pods import COMPONENT_LABEL, INSTANCE_LABEL
from teastorm.tune.hpa_look import manifest_of, moved, parse_look
from teastorm.tune.hpa_record import Look

PERIOD_S = 1.0


class HpaRecorder:
    """Looks from `start` to `stop`. A look that fails is left out and counted.

    Args:
        name: of the HPA and of the Deployment that it scales.
        service: the shop's name of it, which is also its container's.

    Attributes:
        looks: so far, oldest first; times are Unix seconds until `taken` makes them the load's.
        failed: looks that the API server did not answer.
    """

    def __init__(
        self,
        api: Api,
        *,
        namespace: str,
        release: str,
        service: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._service = service
        name = f"{release}-{service}"
        self.hpa_path = (
            f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}"
        )
        self._scale = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._metrics = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
        self._selector = f"{INSTANCE_LABEL}={release},{COMPONENT_LABEL}={service}"
        self._clock = clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hpa-recorder", daemon=True)
        self._lock = threading.Lock()
        self._looks: list[Look] = []
        self.failed = 0

    def look(self) -> Look:
        """One look, now; `ClusterError` when the API server does not answer.

        The HPA is read last: what it says was made of what was there before.
        """
        samples = self._api.get(self._metrics, labelSelector=self._selector)
        pods = self._api.get(self._pods, labelSelector=self._selector)
        scale = self._api.get(self._scale)
        hpa = self._api.get(self.hpa_path)
        return parse_look(
            hpa=hpa,
            scale=scale,
            pods=pods,
            samples=samples,
            container=self._service,
            at_s=self._clock(),
        )

    def manifest(self) -> str:
        """The HPA as it is in the cluster, as YAML that the port reads."""
        return manifest_of(self._api.get(self.hpa_path))

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more. May be called twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(timeout=15.0)

    def taken(self, zero_unix_s: float) -> tuple[Look, ...]:
        """The looks so far, in seconds from a moment."""
        with self._lock:
            return tuple(moved(look, zero_unix_s) for look in self._looks)

    def _run(self) -> None:
        next_s = time.monotonic()
        while not self._over.is_set():
            try:
                found = self.look()
            except ClusterError:
                self.failed += 1
            else:
                with self._lock:
                    self._looks.append(found)
            next_s = max(next_s + PERIOD_S, time.monotonic())
            self._over.wait(next_s - time.monotonic())
