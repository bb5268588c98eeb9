"""A signal to a replica, as a cluster can give it: deletions of its pod, or the process stopped."""

import contextlib
import signal as signals

from teastorm.platforms.base import PlatformError, Replica
from teastorm.platforms.kubernetes.errors import Conflict, NotThere
from teastorm.platforms.kubernetes.pods import Pod
from teastorm.platforms.kubernetes.running import RunningShop


def send(shop: RunningShop, replica_id: str, signal: int) -> Replica:
    """SIGKILL ends service and pod at once, SIGTERM deletes the pod; SIGSTOP and SIGCONT go inside.

    Gives the replica as it was just before; `PlatformError` (2) for another signal or replica.
    """
    left = shop.fleet.gone.get(replica_id)
    if left is not None and left.component in shop.scaling.paused:
        return left.replica()  # scaled to nothing, it went before it was its turn
    pod = shop.operations.pod(replica_id)
    with contextlib.suppress(NotThere, Conflict):  # it went by itself a moment ago
        _give(shop, pod, signal)
    return pod.replica()


def _give(shop: RunningShop, pod: Pod, signal: int) -> None:
    match signal:
        case signals.SIGKILL:
            shop.operations.kill(pod)
        case signals.SIGTERM:
            answer = shop.operations.delete(pod, grace_s=None)
            if answer.get("kind") == "Pod":
                shop.fleet.apply("MODIFIED", answer)
        case signals.SIGSTOP:
            shop.operations.freeze(pod.name)
        case signals.SIGCONT:
            shop.operations.thaw(pod.name)
        case _:
            raise PlatformError(
                2, f"a pod takes SIGKILL, SIGTERM, SIGSTOP or SIGCONT, got {signal}"
            )
