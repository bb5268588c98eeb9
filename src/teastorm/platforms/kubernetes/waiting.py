"""Waiting for a shop on a cluster: readiness by watch, and what will never come named at once."""

import time
from collections.abc import Callable, Mapping, Sequence

from teastorm.platforms.base import PlatformError
from teastorm.platforms.kubernetes.fleet import Fleet

PODS_COME_WITHIN_S = 30.0
"""What a quota counts may be on its way out for that long; after it nobody makes room any more."""


def await_ready(
    fleet: Fleet,
    wanted: Mapping[str, int],
    services: Sequence[str],
    timeout_s: float,
    *,
    refused: Callable[[str], str],
) -> None:
    """Block until each service has its wanted number of ready pods, no more and no fewer.

    `refused` says why a service's pods are not even made; empty when they are. `PlatformError` (3):
    at once when a pod cannot come up by itself (its image is not there, its container ends as it
    starts), after half a minute when the API server takes none (a quota, Pod Security, a webhook),
    and with the scheduler's words when the time is up.
    """
    until_s = time.monotonic() + timeout_s

    def settled(within_s: float) -> bool:
        return fleet.wait_for(
            lambda: not missing(fleet, wanted, services) or bool(fleet.troubles()),
            max(within_s, 0.0),
        )

    def require_taken() -> None:
        for service in services:
            pods = [pod for pod in fleet.pods(service) if not pod.deleting]
            if len(pods) < wanted[service] and (words := refused(service)):
                raise PlatformError(3, f"the shop cannot come up: {service}: {words}")

    done = settled(min(PODS_COME_WITHIN_S, timeout_s))
    if not done:
        require_taken()
        done = settled(until_s - time.monotonic())
    if trouble := fleet.troubles():
        raise PlatformError(3, f"the shop cannot come up: {trouble[0]}")
    if not done and (short := missing(fleet, wanted, services)):
        require_taken()
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
