"""What tests of the kubernetes platform share: small plans, where things are, how a refusal reads."""

from datetime import datetime

import pytest

from teastorm.platforms.base import PlatformError, ShopPlan
from teastorm.platforms.kubernetes import occupancy
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings

ONE = ShopPlan(replicas={"gateway": 1})
PAIR = ShopPlan(replicas={"orders": 1, "gateway": 2})
NAMESPACE = "/api/v1/namespaces/teashop"
OURS = {"app.kubernetes.io/managed-by": "teastorm"}
BEFORE = f"{NAMESPACE}/configmaps/teastorm-before"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/teashop/leases/teastorm-run"


def refused(platform: KubernetesPlatform, plan: ShopPlan = ONE) -> PlatformError:
    with pytest.raises(PlatformError) as error:
        platform.deploy(plan)
    assert "\n" not in error.value.sentence
    return error.value


def with_context(settings: ClusterSettings, **changes: object) -> ClusterSettings:
    fields = {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    return ClusterSettings(**(fields | changes))  # type: ignore[arg-type]


def send_elsewhere(api: Api, server: str) -> None:
    configuration = api.client.configuration
    configuration.refresh_api_key_hook = None  # it would read the kubeconfig again, address and all
    configuration.host = server


def lease_of(holder: str, renewed: datetime) -> dict:
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 30,
        "renewTime": renewed.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    return {"metadata": {"name": occupancy.NAME}, "spec": spec}
