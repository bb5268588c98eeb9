"""Whether we may do to a cluster what an experiment is going to, asked before anything is begun.

Inside a namespace one Role grants every fault. What no Role of a namespace can grant would be
refused in mid-run, after minutes, and the run would judge nothing.
"""

from collections.abc import Iterable, Mapping

from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.errors import Denied

OUTSIDE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "drain_node": (("list", "nodes"), ("patch", "nodes")),
}
"""(verb, resource) outside a namespace that an action takes."""
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
"""Anybody may ask it about themselves (ClusterRole system:basic-user)."""


def require(api: Api, actions: Iterable[str]) -> None:
    """`Denied` (3) naming the first right that one of these takes and we have not."""
    for action in actions:
        for verb, resource in OUTSIDE.get(action, ()):
            if not _may(api, verb, resource):
                raise Denied(
                    f"context {api.context}: not allowed to {verb} {resource}, which {action} takes "
                    "and no Role of a namespace can grant; testbed.rbac.cluster of the chart does",
                    status=403,
                )


def _may(api: Api, verb: str, resource: str) -> bool:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": verb, "resource": resource}},
    }
    return bool((api.post(REVIEWS, body).get("status") or {}).get("allowed"))
