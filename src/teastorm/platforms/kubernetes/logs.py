"""The pods' logs, saved into a run folder before the pods go."""

from collections.abc import Iterable
from pathlib import Path

from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.errors import ClusterError
from teastorm.platforms.kubernetes.namespace import path_of
from teastorm.platforms.kubernetes.pods import Pod

LIMIT_BYTES = 4_000_000


def save_logs(api: Api, namespace: str, pods: Iterable[Pod], folder: Path) -> None:
    """`<pod>.log`, and `<pod>.previous.log` of a container that was restarted; best effort."""
    folder.mkdir(parents=True, exist_ok=True)
    for pod in pods:
        _save(api, namespace, pod, folder / f"{pod.name}.log", previous=False)
        if pod.restarts:
            _save(api, namespace, pod, folder / f"{pod.name}.previous.log", previous=True)


def _save(api: Api, namespace: str, pod: Pod, path: Path, *, previous: bool) -> None:
    query = f"container={pod.container}&limitBytes={LIMIT_BYTES}&previous={str(previous).lower()}"
    try:
        status, text = api.raw("GET", f"{path_of(namespace)}/pods/{pod.name}/log?{query}")
    except ClusterError:
        return
    if status == 200:
        path.write_bytes(text)
