"""The endpoints file: ready replicas by service, replaced atomically so that no reader sees half."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import orjson

from teastorm.platforms.replica import Replica


def ready_endpoints(services: Iterable[str], replicas: Iterable[Replica]) -> dict[str, list[str]]:
    """`host:port` of ready replicas by service, sorted; a service without any has an empty list."""
    found: dict[str, list[str]] = {service: [] for service in services}
    for replica in replicas:
        if replica.ready:
            found[replica.service].append(replica.endpoint)
    return {service: sorted(addresses) for service, addresses in found.items()}


def write_atomically(path: Path, payload: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` in one step. Readers see the old bytes or the new, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(payload)
    temporary.replace(path)


def read_endpoints(path: Path, service: str) -> list[str]:
    """What such a file lists of a service; nothing when it is not there or another thing."""
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        return []
    listed = content.get(service, []) if isinstance(content, dict) else []
    return [str(endpoint) for endpoint in listed]


class EndpointsFile:
    """Writes the file when what is ready changed. Its owner holds a lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written: Mapping[str, list[str]] | None = None

    def publish(self, endpoints: Mapping[str, list[str]]) -> bool:
        """Write if changed; says whether it wrote."""
        if endpoints == self._written:
            return False
        write_atomically(self.path, orjson.dumps(endpoints))
        self._written = dict(endpoints)
        return True
