"""What faults of a cluster share: the platform's own operations, and how an eviction is told."""

from typing import TYPE_CHECKING, cast

from teastorm.chaos.faults.base import Site

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.operations import Operations

EVICTED = "EvictionByEvictionAPI"
"""The reason of a pod's DisruptionTarget condition after an eviction (Kubernetes 1.26 on)."""


def operations_of(site: Site) -> "Operations":
    """The cluster's operations; ValueError on a platform that has none."""
    found = getattr(site.platform, "operations", None)
    if found is None:
        raise ValueError(f"this fault needs the kubernetes platform, not {site.platform.name}")
    return cast("Operations", found)
