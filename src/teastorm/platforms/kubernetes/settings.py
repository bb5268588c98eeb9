"""Which cluster, where in it, and how its door is reached from here."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from teastorm.platforms.base import PlatformError

DEFAULT_NAMESPACE = "teashop"
DEFAULT_GATEWAY_URL = "127.0.0.1:8080"
DEFAULT_LOAD_IMAGE = "teastorm:0.1.0"
CHART = Path("charts") / "teashop"
CONTEXT_VARIABLE = "TEASTORM_CONTEXT"
NAMESPACE_VARIABLE = "TEASTORM_NAMESPACE"
GATEWAY_VARIABLE = "TEASTORM_GATEWAY_URL"
VALUES_VARIABLE = "TEASTORM_VALUES"

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_ADDRESS = re.compile(r"(?:http://)?([A-Za-z0-9.-]+:\d{1,5})/?")


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """`context` is a name in the kubeconfig; it is never guessed.

    `gateway_url` is where the gateway's Service answers from here, `host:port` (kind maps a
    NodePort to a loopback port). `values` are Helm values files laid below those of a run:
    image, pull secrets, an adapter. With `load_workers` above 0 the load comes from so many pods of
    `load_image` inside the cluster, instead of from this machine. `kubeconfig` None: KUBECONFIG or ~/.kube/config.
    """

    context: str
    namespace: str = DEFAULT_NAMESPACE
    release: str = "teashop"
    gateway_url: str = DEFAULT_GATEWAY_URL
    chart: Path = CHART
    values: tuple[Path, ...] = ()
    load_workers: int = 0
    load_image: str = DEFAULT_LOAD_IMAGE
    kubeconfig: Path | None = None

    def __post_init__(self) -> None:
        if not self.context:
            raise PlatformError(2, "name the cluster: --context NAME (kubectl config get-contexts)")
        for name in ("namespace", "release"):
            value = getattr(self, name)
            if not _DNS_LABEL.fullmatch(value):
                raise PlatformError(
                    2, f"--{name} must be small letters, digits and hyphens, got {value!r}"
                )
        if not 0 <= self.load_workers <= 64:
            raise PlatformError(
                2, f"--load-workers must be between 0 and 64, got {self.load_workers}"
            )
        if self.namespace in {"default", "kube-system", "kube-public", "kube-node-lease"}:
            raise PlatformError(
                2, f"--namespace {self.namespace} is the cluster's own; name one for the shop"
            )
        if _ADDRESS.fullmatch(self.gateway_url) is None:
            raise PlatformError(
                2, f"--gateway-url must be host:port or http://host:port, got {self.gateway_url!r}"
            )

    @property
    def door(self) -> str:
        """`host:port` of the gateway's Service."""
        match = _ADDRESS.fullmatch(self.gateway_url)
        return match[1] if match else self.gateway_url

    @classmethod
    def from_environment(cls) -> "ClusterSettings":
        """What a plain `chaos run` has: TEASTORM_CONTEXT and its fellows; exit 2 without it."""
        context = os.environ.get(CONTEXT_VARIABLE, "")
        if not context:
            raise PlatformError(
                2, f"name the cluster: --context NAME, or {CONTEXT_VARIABLE} in the environment"
            )
        listed = os.environ.get(VALUES_VARIABLE, "")
        return cls(
            context=context,
            namespace=os.environ.get(NAMESPACE_VARIABLE) or DEFAULT_NAMESPACE,
            gateway_url=os.environ.get(GATEWAY_VARIABLE) or DEFAULT_GATEWAY_URL,
            values=tuple(Path(name) for name in listed.split(os.pathsep) if name),
        )
