"""The namespace of a shop: made with restricted Pod Security, ours by its label, removed whole.

What does not carry the label was made by somebody else and is never touched.
"""

import contextlib
import time

from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.errors import ClusterError, Conflict, NotThere

MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "teastorm"
LABELS = {
    MANAGED_BY: OURS,
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
}
GONE_WITHIN_S = 120.0
POLL_S = 0.5


def path_of(namespace: str) -> str:
    """Where the namespace itself is."""
    return f"/api/v1/namespaces/{namespace}"


def exists(api: Api, namespace: str) -> bool:
    """Whether it is there and ours; `ClusterError` (3) when it is somebody else's."""
    try:
        found = api.get(path_of(namespace))
    except NotThere:
        return False
    labels = (found.get("metadata") or {}).get("labels") or {}
    if labels.get(MANAGED_BY) != OURS:
        raise ClusterError(
            f"context {api.context}: namespace {namespace} is not ours (no label "
            f"{MANAGED_BY}={OURS}); choose another with --namespace"
        )
    return True


def terminating(api: Api, namespace: str) -> bool:
    """Whether it is being removed just now."""
    try:
        found = api.get(path_of(namespace))
    except NotThere:
        return False
    return "deletionTimestamp" in found["metadata"]


def ensure(api: Api, namespace: str) -> bool:
    """Make it, once an old one of ours is gone; True when it is new.

    A second runner that makes it at the same moment is no error: the lease decides between them.
    """
    if exists(api, namespace) and not terminating(api, namespace):
        return False
    if not await_gone(api, namespace, GONE_WITHIN_S):
        raise ClusterError(
            f"context {api.context}: namespace {namespace} is still being removed after "
            f"{GONE_WITHIN_S:.0f} s; see what keeps it: kubectl get all -n {namespace}"
        )
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": namespace, "labels": LABELS},
    }
    try:
        api.post("/api/v1/namespaces", body)
    except Conflict:
        return not exists(api, namespace)
    return True


def remove(api: Api, namespace: str, *, within_s: float = GONE_WITHIN_S) -> bool:
    """Remove it with all that is in it; True when it is gone. Never one that is not ours."""
    if not exists(api, namespace):
        return True
    pods = f"{path_of(namespace)}/pods"
    try:
        with contextlib.suppress(Conflict):  # it is being removed already
            api.delete(path_of(namespace))
        # Nobody is served any more: a drain would only make everybody wait. Not before the
        # namespace is marked, or the Deployments would replace what goes.
        api.delete(pods, {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 1})
    except NotThere:
        return True
    return await_gone(api, namespace, within_s)


def await_gone(api: Api, namespace: str, within_s: float) -> bool:
    """Wait until it is not there; False when the time is up."""
    until_s = time.monotonic() + within_s
    while True:
        try:
            api.get(path_of(namespace))
        except NotThere:
            return True
        if time.monotonic() >= until_s:
            return False
        time.sleep(POLL_S)
