"""The objects of a load from inside the cluster: Locust's own master and workers as two Jobs. Pure.

Each pod gets the specification that a generator on this machine gets (load/spec.py) and writes
its part of the log into its own folder, where it stays until it has been fetched.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from teastorm.load.plan import LoadPlan
from teastorm.load.spec import SPEC_VARIABLE
from teastorm.platforms.kubernetes.api import Json
from teastorm.platforms.kubernetes.pods import COMPONENT_LABEL, INSTANCE_LABEL

NAME = "teastorm-load"
MASTER, WORKER = f"{NAME}-master", f"{NAME}-worker"
FOLDER = "/tmp/load"  # noqa: S108 - the pod's own, an emptyDir
PORT = 5557
SPARE_S = 300
FETCHED_WITHIN_S = 300
CPU = {MASTER: "100m", WORKER: "400m"}
"""Requests are shares where a node is busy, and a worker that waits for the CPU is late; two of them
fit beside the control plane of a two-core node."""
CONTROL_PLANE = "node-role.kubernetes.io/control-plane"

SCRIPT = f"""
mkdir -p {FOLDER} && cp /etc/teastorm/load/*.json {FOLDER} && cd {FOLDER} || exit 1
file=$(python -c 'import importlib.util as u; print(u.find_spec("teastorm.load.locustfile").origin)')
python -m locust -f "$file" --only-summary --loglevel WARNING "$@" & echo $! > pid
wait $!; code=$?
echo $code > ended; echo "{{\\"ended\\": $code}}"
left={2 * FETCHED_WITHIN_S}
while [ ! -e fetched ] && [ $left -gt 0 ]; do sleep 0.5; left=$((left - 1)); done
exit $code
"""
"""Starts Locust, remembers its pid for an interruption, and waits for its log to be fetched."""


@dataclass(frozen=True, kw_only=True)
class InsidePlan:
    """A load to be offered from `workers` pods of `image` to `gateway` (`host:port` in the cluster).

    `pull_secrets` names Secrets of the namespace with which the image is pulled, the shop's own.
    """

    plan: LoadPlan
    seed: int
    t0_unix_s: float
    workers: int
    image: str
    gateway: str
    namespace: str
    release: str
    load_id: str
    pull_secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= 64:
            raise ValueError(f"workers must be between 1 and 64, got {self.workers}")

    def labels(self, name: str) -> dict[str, str]:
        """Labels of everything that belongs to the load; `name` tells master from worker."""
        recommended = {
            "app.kubernetes.io/name": "teastorm",
            "app.kubernetes.io/part-of": "teastorm",
        }
        ours = {"app.kubernetes.io/managed-by": "teastorm", INSTANCE_LABEL: self.release}
        return {**recommended, **ours, **self.selector, "teastorm/load": name}

    @property
    def selector(self) -> dict[str, str]:
        """What selects this load's pods, and not those of one that is on its way out."""
        return {COMPONENT_LABEL: "load", "teastorm/load-id": self.load_id}


def config_map(inside: InsidePlan) -> Json:
    """The specification and the endpoints, as the generator reads them from a folder."""
    spec = {
        "plan": inside.plan.to_json(),
        "seed": inside.seed,
        "endpoints_file": f"{FOLDER}/endpoints.json",
        "t0_unix_s": inside.t0_unix_s,
        "workers": inside.workers,
    }
    data = {
        "load-spec.json": json.dumps(spec),
        "endpoints.json": json.dumps({"gateway": [inside.gateway]}),
    }
    return _object(inside, "v1", "ConfigMap", NAME, {"data": data})


def service(inside: InsidePlan) -> Json:
    """Where workers find the master."""
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": inside.labels(MASTER),
        "ports": [{"name": "locust", "port": PORT}],
    }
    return _object(inside, "v1", "Service", MASTER, {"spec": spec})


def jobs(inside: InsidePlan) -> list[Json]:
    """The master's job and the workers'."""
    count = str(inside.workers)
    headless = ["--headless", "-u", count, "-r", count]
    master = ["--master", "--expect-workers", count, *headless]
    worker = ["--worker", "--master-host", f"{MASTER}.{inside.namespace}.svc"]
    return [_job(inside, MASTER, 1, master), _job(inside, WORKER, inside.workers, worker)]


def _job(inside: InsidePlan, name: str, count: int, words: list[str]) -> Json:
    container = {
        "name": "load",
        "image": inside.image,
        "command": ["/usr/bin/tini", "-s", "--", "sh", "-c", SCRIPT, "load"],
        "args": words,
        "env": [
            {"name": SPEC_VARIABLE, "value": f"{FOLDER}/load-spec.json"},
            {"name": "GEVENT_RESOLVER", "value": "block"},
            {"name": "OPENBLAS_NUM_THREADS", "value": "1"},
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - the pod's own
        ],
        "resources": {
            "requests": {"cpu": CPU[name], "memory": "192Mi"},
            "limits": {"memory": "1Gi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "spec", "mountPath": "/etc/teastorm/load", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the same
        ],
    }
    pod: Json = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "affinity": {"podAntiAffinity": _away_from(inside.release)},
        "tolerations": [{"key": CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"}],
        "volumes": [
            {"name": "spec", "configMap": {"name": NAME}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }
    if inside.pull_secrets:
        pod["imagePullSecrets"] = [{"name": secret} for secret in inside.pull_secrets]
    spec = {
        "completions": count,
        "parallelism": count,
        "backoffLimit": 0,
        "activeDeadlineSeconds": int(inside.plan.seconds) + SPARE_S + FETCHED_WITHIN_S,
        "template": {"metadata": {"labels": inside.labels(name)}, "spec": pod},
    }
    return _object(inside, "batch/v1", "Job", name, {"spec": spec})


def _away_from(release: str) -> Json:
    """Rather on a node without the shop's pods: what is measured should not slow its measure."""
    shop = {INSTANCE_LABEL: release, "app.kubernetes.io/name": "teashop"}
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": shop}}
    return {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": term}
        ]
    }


def _object(
    inside: InsidePlan, version: str, kind: str, name: str, rest: Mapping[str, object]
) -> Json:
    meta = {"name": name, "labels": inside.labels(name)}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}
