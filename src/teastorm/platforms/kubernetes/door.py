"""The shop's door as customers outside find it: one address in front of all gateways."""

import http.client
import time
from pathlib import Path

import orjson

from teastorm.platforms.base import PlatformError
from teastorm.platforms.endpoints import write_atomically

POLL_S = 0.2
ANSWERS_IN_A_ROW = 5
"""A NodePort may refuse for a second after a rollout: one good answer does not show it open."""


def write(path: Path, address: str) -> None:
    """The file that a load generator reads."""
    write_atomically(path, orjson.dumps({"gateway": [address]}))


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
                "map the gateway's NodePort there (deploy/kind.yaml does), or name another "
                "address with --gateway-url",
            )
        if said:
            time.sleep(POLL_S)


def _ask(address: str) -> str:
    """What is wrong; empty when it answers well."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=2.0)
    try:
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"nothing answers ({error})"
    finally:
        connection.close()
    return "" if status == 200 else f"/readyz gives {status}"
