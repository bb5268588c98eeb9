"""The shop's door as customers outside find it: one address in front of all gateways."""

import http.client
import ipaddress
import time
from collections.abc import Iterable
from pathlib import Path

import orjson

from teastorm.platforms.base import PlatformError
from teastorm.platforms.endpoints import write_atomically
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.errors import ClusterError
from teastorm.platforms.kubernetes.settings import ClusterSettings

POLL_S = 0.2
DIRECT_WITHIN_S = 0.5
ANSWERS_IN_A_ROW = 5
"""A NodePort may refuse for a second after a rollout: one good answer does not show it open."""


def write(path: Path, address: str) -> None:
    """The file that a load generator reads."""
    write_atomically(path, orjson.dumps({"gateway": [address]}))


def shortest(api: Api, settings: ClusterSettings, nodes: Iterable[str]) -> str:
    """The address that load is sent to: a node's own where the named one is on loopback.

    A container engine maps a port of loopback through a process that copies every byte (Docker's
    `docker-proxy` took a quarter of a core at 200 requests a second). Where the nodes' addresses
    can be reached, which is on Linux, their NodePort is asked without it. A cluster elsewhere, and
    one whose Service may not be read, is asked at the address that was named.
    """
    host, _, _ = settings.door.rpartition(":")
    try:
        mapped = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        mapped = False
    if not mapped:
        return settings.door
    where = f"/api/v1/namespaces/{settings.namespace}/services/{settings.release}-front"
    try:
        ports = (api.get(where).get("spec") or {}).get("ports") or [{}]
    except ClusterError:
        return settings.door
    node_port = ports[0].get("nodePort")
    found = (f"{node}:{node_port}" for node in nodes if node_port)
    return next((one for one in found if not _ask(one, DIRECT_WITHIN_S)), settings.door)


def await_open(address: str, timeout_s: float) -> None:
    """Wait until it answers several times on end; `PlatformError` (3) saying what to look at."""
    until_s = time.monotonic() + timeout_s
    in_a_row, said = 0, "nothing answers"
    while in_a_row < ANSWERS_IN_A_ROW:
        said = _ask(address)
        in_a_row = in_a_row + 1 if not said else 0
        if time.monotonic() >= until_s:
            raise PlatformError(
                3,
                f"the gateways are ready, but at {address} {said or 'answers come and go'}; "
                "map the gateway's NodePort there (deploy/kind/cluster.yaml does), or name another "
                "address with --gateway-url",
            )
        if said:
            time.sleep(POLL_S)


def _ask(address: str, timeout_s: float = 2.0) -> str:
    """What is wrong; empty when it answers well."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout_s)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"nothing answers ({error})"
    finally:
        connection.close()
    return "" if status == 200 else f"/readyz gives {status}"
