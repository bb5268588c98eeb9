"""One harmless request to one replica, to see how it answers just now."""

import time

from teastorm.chaos.faults.injection import CanaryAnswer
from teastorm.platforms.base import Platform

PATH = "/canary"
"""No route: a sound service answers 404 at once, and an injected fault hits it like any other."""


def ask(platform: Platform, endpoint: str, timeout_s: float) -> CanaryAnswer:
    """Ask `host:port`; status 0 when nothing came within `timeout_s`."""
    began_s = time.monotonic()
    status = platform.ask(endpoint, PATH, timeout_s)
    return CanaryAnswer(status=status, seconds=time.monotonic() - began_s)
