"""The release of one run: what was there before is set aside, and put back afterwards.

Every run starts with an empty database and pods of its own, so an installed release is removed
whole and installed anew: faster than a rolling change, and the ledger holds this run's orders
only. What the namespace held before is written into it first, so that a run that dies can be
undone by somebody else.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from teastorm.platforms.kubernetes import cluster_role
from teastorm.platforms.kubernetes import namespace as namespaces
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.errors import ClusterError, NotThere
from teastorm.platforms.kubernetes.helm import Helm
from teastorm.platforms.kubernetes.pods import INSTANCE_LABEL
from teastorm.platforms.kubernetes.settings import ClusterSettings

BEFORE = "teastorm-before"
CLEARED_WITHIN_S = 60.0
POLL_S = 0.3
NODE_PORT = 30080
"""Where the gateway's Service listens unless somebody's values say otherwise; kind.yaml maps it."""

DEFAULTS: Mapping[str, object] = {
    "gateway": {"service": {"type": "NodePort", "nodePort": NODE_PORT}},
}


class Installation:
    """The release in its namespace. Used by one thread; the run's lease keeps others away."""

    def __init__(self, api: Api, settings: ClusterSettings, helm: Helm) -> None:
        self._api = api
        self._settings = settings
        self._helm = helm
        self._maps = f"{namespaces.path_of(settings.namespace)}/configmaps"

    def set_aside(self, *, made: bool) -> None:
        """Remember what the namespace held (`made`: it was made just now, so nothing), and clear it.

        What a dead run remembered stays in force: its own release was never somebody's wish.
        """
        if self._remembered() is None:
            kept = {"made": made, "values": None if made else self._helm.values()}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": BEFORE}}
            self._api.post(self._maps, {**body, "data": {"kept": json.dumps(kept)}})
        self.clear()

    def install(self, values: Mapping[str, object]) -> None:
        """Install with `values` over the user's files over what was installed before."""
        kept = self._remembered() or {}
        base = kept.get("values")
        layers = [DEFAULTS, base if isinstance(base, dict) else {}]
        self._upgrade(merged(*layers), values)

    def settle(self) -> None:
        """What is installed now is what was wished for: forget what was there before."""
        try:
            self._api.delete(f"{self._maps}/{BEFORE}")
        except NotThere:
            return

    def put_back(self) -> list[str]:
        """Make the namespace what it was; what is left of the run, as short texts.

        A namespace that the run made goes whole. Does not wait for a release that is put back.
        """
        name = self._settings.namespace
        kept = self._remembered()
        if kept is None or kept.get("made"):
            cluster_role.remove(self._api, self._settings)
            return [] if namespaces.remove(self._api, name) else [f"namespace {name}"]
        self.clear()
        values = kept.get("values")
        if isinstance(values, dict):
            self._upgrade({}, values, files=False)
        self.settle()
        return []

    def clear(self) -> None:
        """Remove the release, its pods and its claims, and wait until they are gone (bounded)."""
        self._helm.uninstall()
        where = namespaces.path_of(self._settings.namespace)
        selector = f"{INSTANCE_LABEL}={self._settings.release}"
        # A load from inside is no part of the release, and its jobs would make their pods anew.
        jobs = f"/apis/batch/v1/namespaces/{self._settings.namespace}/jobs"
        self._api.delete(jobs, labelSelector=selector, propagationPolicy="Background")
        grace = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 1}
        self._api.delete(f"{where}/pods", grace, labelSelector=selector)
        self._api.delete(f"{where}/persistentvolumeclaims", labelSelector=selector)
        until_s = time.monotonic() + CLEARED_WITHIN_S
        while left := self._left(where, selector):
            if time.monotonic() >= until_s:
                raise ClusterError(
                    f"namespace {self._settings.namespace}: still there "
                    f"{CLEARED_WITHIN_S:.0f} s after they were removed: {', '.join(left)}; "
                    "a finalizer or a node that does not answer keeps them (kubectl describe tells)"
                )
            time.sleep(POLL_S)

    def _left(self, where: str, selector: str) -> list[str]:
        left = []
        for kind in ("pods", "persistentvolumeclaims"):
            found = self._api.get(f"{where}/{kind}", labelSelector=selector)
            left += [f"{kind}/{item['metadata']['name']}" for item in found.get("items") or []]
        return left

    def _upgrade(
        self, below: Mapping[str, object], above: Mapping[str, object], *, files: bool = True
    ) -> None:
        # The folder is private and short-lived: the values hold the admin token.
        with tempfile.TemporaryDirectory(prefix="teastorm-values-") as folder:
            written = []
            for name, content in (("below.json", below), ("above.json", above)):
                path = Path(folder) / name
                path.write_text(json.dumps(content), encoding="utf-8")
                written.append(path)
            own = self._settings.values if files else ()
            self._helm.upgrade([written[0], *own, written[1]])

    def _remembered(self) -> dict[str, object] | None:
        try:
            data = self._api.get(f"{self._maps}/{BEFORE}").get("data") or {}
        except NotThere:
            return None
        try:
            found = json.loads(data.get("kept", ""))
        except ValueError:
            found = None
        # A record that nobody can read is no reason to keep a dead run's shop.
        return found if isinstance(found, dict) else {"made": False, "values": None}


def merged(*layers: Mapping[str, object]) -> dict[str, object]:
    """Later layers over earlier ones, mappings merged key by key, as Helm merges values files."""
    result: dict[str, object] = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            if isinstance(old, Mapping) and isinstance(value, Mapping):
                result[key] = merged(old, value)
            else:
                result[key] = value
    return result
