"""A service's process dies inside its pod, and the kubelet starts the container again."""

from teastorm.chaos.faults.base import Fault, Identity, Proof, Site, names
from teastorm.chaos.faults.cluster import operations_of
from teastorm.platforms.base import JsonValue


class ContainerKill(Fault):
    """SIGKILL the service's process in `count` pods of `service`, the oldest first.

    Proved when the same pod (by UID) is ready again with a higher restart count: the kubelet's own
    book. It counts as over when it has begun: from the kill on, what happens is recovery.
    """

    kind = "container-kill"
    heals_within_s = 60.0

    def __init__(self, service: str, *, count: int = 1) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.service = service
        self._count = count
        self._before: list[Identity] = []
        self._victims: list[Identity] = []

    def planned(self) -> dict[str, JsonValue]:
        """How many."""
        return {"count": self._count}

    def begin(self, site: Site) -> None:
        """Kill them."""
        self._before = site.identities(self.service)
        if len(self._before) < self._count:
            raise ValueError(
                f"{self.service} has {len(self._before)} replicas, {self._count} cannot be killed"
            )
        for identity in self._before[: self._count]:
            self._victims.append(identity)
            operations_of(site).kill_container(identity.replica)

    def observe(self, site: Site) -> None:
        """Nothing to see before it is back."""

    def end(self, site: Site) -> None:
        """A dead process needs nothing."""

    def healed(self, site: Site) -> bool:
        """Each victim's container was started again, and as many as before are ready."""
        ready = site.ready_identities(self.service)
        return len(ready) >= len(self._before) and len(self._again(site)) == len(self._victims)

    def proof(self, site: Site) -> Proof:
        """Compare restart counts."""
        again = self._again(site)
        return Proof(
            proved=len(again) == self._count,
            evidence=f"killed: {names(self._victims)}; ready again in the same pods: {names(again)}",
        )

    def ended_s(self, began_s: float, undone_s: float) -> float:
        """At the kill."""
        del undone_s
        return began_s

    def _again(self, site: Site) -> list[Identity]:
        killed = {victim.uid: victim.restarts for victim in self._victims}
        return [
            identity
            for identity in site.ready_identities(self.service)
            if identity.restarts > killed.get(identity.uid, identity.restarts)
        ]
