"""Whether the cluster serves the metrics that a release's autoscalers follow.

An autoscaler without its metric does nothing and says so only in a condition; a run that waits
for it would end as a mystery.
"""

from collections.abc import Iterable

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.api import Api, Json
from teastorm.platforms.kubernetes.errors import ClusterError, Denied

APIS = {
    "Resource": ("/apis/metrics.k8s.io/v1beta1", "metrics-server"),
    "ContainerResource": ("/apis/metrics.k8s.io/v1beta1", "metrics-server"),
    "Pods": ("/apis/custom.metrics.k8s.io/v1beta1", "an adapter for custom metrics"),
    "Object": ("/apis/custom.metrics.k8s.io/v1beta1", "an adapter for custom metrics"),
    "External": ("/apis/external.metrics.k8s.io/v1beta1", "an adapter for external metrics"),
}


def require(api: Api, autoscalers: Iterable[Json]) -> None:
    """`PlatformError` (3) naming the autoscaler and what serves its metric, when nothing does."""
    answered: dict[str, bool] = {}
    for autoscaler in autoscalers:
        for metric in (autoscaler.get("spec") or {}).get("metrics") or []:
            path, server = APIS.get(str(metric.get("type")), ("", ""))
            if path and not answered.setdefault(path, _answers(api, path)):
                name = autoscaler["metadata"]["name"]
                raise PlatformError(
                    3,
                    f"context {api.context}: autoscaler {name} follows a metric that nothing "
                    f"serves there ({path}); install {server}, or switch the autoscaler off",
                )


def _answers(api: Api, path: str) -> bool:
    try:
        api.get(path)
    except Denied:
        return True  # it is there, and whoever asks may not look
    except ClusterError:
        return False
    return True
