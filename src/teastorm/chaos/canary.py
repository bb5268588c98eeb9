"""One harmless request to one replica, to see how it answers just now."""

import http.client
import time

from teastorm.chaos.faults.injection import CanaryAnswer

PATH = "/canary"
"""No route: a sound service answers 404 at once, and an injected fault hits it like any other."""


def ask(endpoint: str, timeout_s: float) -> CanaryAnswer:
    """Ask `host:port`; status 0 when nothing came within `timeout_s`."""
    host, _, port = endpoint.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout_s)
    began_s = time.monotonic()
    try:
        connection.request("GET", PATH)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    return CanaryAnswer(status=status, seconds=time.monotonic() - began_s)
