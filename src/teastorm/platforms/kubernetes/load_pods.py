"""The pods of a load inside a cluster: which there are, a word with each, and why one does not come."""

import base64
import contextlib
from collections.abc import Iterable
from pathlib import Path

from teastorm.platforms.kubernetes import exec as execs
from teastorm.platforms.kubernetes import load_manifests as manifests
from teastorm.platforms.kubernetes.api import Api, Json
from teastorm.platforms.kubernetes.errors import Denied
from teastorm.platforms.kubernetes.namespace import path_of
from teastorm.platforms.kubernetes.pods import Pod, parse_pod

COULD_NOT = "Error creating: "
"""What a controller puts before the API server's own words (kubernetes, controller_utils.go)."""


class LoadPods:
    """Those of one load. Every method asks the API server; `ClusterError` when that is in vain."""

    def __init__(self, api: Api, inside: manifests.InsidePlan) -> None:
        self._api = api
        self._inside = inside
        self._space = path_of(inside.namespace)

    def made(self) -> list[Pod]:
        """All there are, those that have ended among them."""
        selector = ",".join(f"{key}={value}" for key, value in self._inside.selector.items())
        found = self._api.get(f"{self._space}/pods", labelSelector=selector)
        return [parse_pod(item) for item in found.get("items") or []]

    def living(self) -> list[Pod]:
        """Those in which something may still run."""
        return [pod for pod in self.made() if pod.alive]

    def sh(self, pod: Pod, script: str) -> str:
        """Run a shell's words in one; what they wrote."""
        words = ["sh", "-c", script]
        return execs.run(self._api, self._inside.namespace, pod.name, pod.container, words)

    def fetch(self, pod: Pod, name: str, to: Path) -> None:
        """Copy a file of its own folder."""
        to.write_bytes(base64.b64decode(self.sh(pod, f"base64 {manifests.FOLDER}/{name}")))

    def refused(self, job_uids: Iterable[str]) -> str:
        """Why a job's pods are not even made, in the API server's words; empty when it said nothing.

        A Job has no condition for it, as a Deployment has: its controller leaves events only. A
        Role that was rendered before it had that right does not let us read them: then time tells.
        """
        for uid in job_uids:
            selector = f"involvedObject.uid={uid},reason=FailedCreate"
            with contextlib.suppress(Denied):
                found = self._api.get(f"{self._space}/events", fieldSelector=selector)
                if told := sorted(found.get("items") or [], key=_when):
                    said = str(told[-1].get("message", "")).rpartition(COULD_NOT)[2]
                    return " ".join(said.split())[:400]
        return ""


def _when(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
