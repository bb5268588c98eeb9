"""Whether pods can be reached through the API server's proxy, found out before a run relies on it.

Where NetworkPolicies are enforced, the proxy's traffic comes from another node than most pods', and
nothing but a pod's own node is exempt from them: a run would see ready pods, and no metrics.
"""

from collections.abc import Iterable

from teastorm.platforms.base import PlatformError, Replica
from teastorm.platforms.kubernetes.proxy import PodProxy

TRIES = 2
TIMEOUT_S = 5.0


def require(proxy: PodProxy, replicas: Iterable[Replica]) -> None:
    """Ask each for its liveness; `PlatformError` (3) naming the first that cannot be asked.

    One that stopped being ready meanwhile is not looked up again: give fresh replicas.
    """
    for replica in replicas:
        said = [0]
        while len(said) <= TRIES and said[-1] != 200:
            said.append(proxy.ask(replica, "/livez", TIMEOUT_S))
        if said[-1] != 200:
            words = f"it answers {said[-1]}" if said[-1] else f"nothing within {TIMEOUT_S:.0f} s"
            raise PlatformError(
                3,
                f"{replica.replica_id} is ready, but not to be reached through the API server's "
                f"proxy ({words}); where NetworkPolicies are enforced, name the API server's "
                "addresses in networkPolicy.apiServerFrom",
            )
