"""Waiting for a shop on a cluster: readiness by watch, and what will never come named at once."""

import time
from collections.abc import Mapping, Sequence

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.fleet import Fleet


def await_ready(
    fleet: Fleet, wanted: Mapping[str, int], services: Sequence[str], timeout_s: float
) -> None:
    """Block until each service has its wanted number of ready pods, no more and no fewer.

    `PlatformError` (3): at once when a pod cannot come up by itself (its image is not there, its
    container ends as it starts), and with the scheduler's words when the time is up.
    """
    until_s = time.monotonic() + timeout_s
    settled = fleet.wait_for(
        lambda: not missing(fleet, wanted, services) or bool(fleet.troubles()),
        max(until_s - time.monotonic(), 0.0),
    )
    if trouble := fleet.troubles():
        raise PlatformError(3, f"the shop cannot come up: {trouble[0]}")
    if not settled and (short := missing(fleet, wanted, services)):
        why = "".join(f"; {words}" for words in fleet.unscheduled()[:1])
        raise PlatformError(3, f"not ready after {timeout_s:g} s: {', '.join(short)}{why}")


def missing(fleet: Fleet, wanted: Mapping[str, int], services: Sequence[str]) -> list[str]:
    """Services that have not what they should, each with its numbers."""
    short = []
    for service in services:
        # A pod that is on its way out counts neither way: it is nobody's any more.
        pods = [pod for pod in fleet.pods(service) if not pod.deleting]
        ready = sum(1 for pod in pods if pod.ready)
        if ready != wanted[service] or len(pods) != wanted[service]:
            short.append(f"{service} ({ready} of {wanted[service]})")
    return short
