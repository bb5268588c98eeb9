"""What tests of faults on a cluster share: a database's pod, and a fault run to its end."""

from tests.platforms.fake_cluster import FakeCluster

from teastorm.chaos.faults.base import Fault
from teastorm.chaos.faults.episode import Episode
from teastorm.chaos.site import LiveSite

NODE = "/api/v1/nodes/{}"
POSTGRES = "/api/v1/namespaces/teashop/pods/teashop-postgresql-0"


def postgres(cluster: FakeCluster, uid: str, node: str = "two", *, ready: bool = True) -> None:
    labels = {
        "app.kubernetes.io/instance": "teashop",
        "app.kubernetes.io/component": "postgresql",
    }
    condition = {"type": "Ready", "status": str(ready)}
    body = {
        "metadata": {"name": "teashop-postgresql-0", "uid": uid, "labels": labels},
        "spec": {"nodeName": node, "containers": [{"name": "postgresql"}]},
        "status": {"phase": "Running", "conditions": [condition]},
    }
    cluster.put(POSTGRES, body)


def run(fault: Fault, site: LiveSite, hold_s: float = 1.0) -> Episode:
    with Episode(fault, site, "fault-1") as episode:
        assert episode.hold(hold_s)
    assert episode.record.rolled_back
    return episode
