"""A service's process stops answering without dying: SIGSTOP, for a while."""

from teastorm.chaos.faults.base import Fault, Identity, Proof, Site, names
from teastorm.chaos.faults.cluster import operations_of
from teastorm.platforms.base import JsonValue

PATH = "/livez"
ANSWERS_WITHIN_S = 1.0


class Hang(Fault):
    """Stop the process of `count` pods of `service` for `hold_s` seconds, then let it go on.

    Proved by requests of our own that got no answer, though one before did. A hang that lasts
    longer than liveness allows ends with the kubelet killing the container; the restart count
    shows which end it was, and the evidence says so.
    """

    kind = "hang"
    heals_within_s = 60.0

    def __init__(self, service: str, *, hold_s: float, count: int = 1) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.service = service
        self._hold_s = hold_s
        self._count = count
        self._before: list[Identity] = []
        self._victims: list[Identity] = []
        self._endpoints: dict[str, str] = {}
        self._limit_s = float("inf")
        self._sound_before = False
        self._asked = 0
        self._silent = 0

    def planned(self) -> dict[str, JsonValue]:
        """How many, and for how long."""
        return {"count": self._count, "hold_s": self._hold_s}

    def begin(self, site: Site) -> None:
        """Ask each victim once, then stop it."""
        cluster = operations_of(site)
        self._before = site.identities(self.service)
        self._endpoints = {r.replica_id: r.endpoint for r in site.platform.replicas(self.service)}
        victims = site.ready_identities(self.service)[: self._count]
        if len(victims) < self._count:
            raise ValueError(f"{self.service} has not {self._count} ready replicas to stop")
        self._limit_s = min(cluster.hang_limit_s(victim.replica) for victim in victims)
        self._sound_before = all(self._answers(site, victim) for victim in victims)
        for victim in victims:
            self._victims.append(victim)
            cluster.freeze(victim.replica)

    def observe(self, site: Site) -> None:
        """Ask one victim after the other."""
        if self._victims:
            victim = self._victims[self._asked % len(self._victims)]
            self._asked += 1
            self._silent += not self._answers(site, victim)

    def end(self, site: Site) -> None:
        """Let them go on."""
        for victim in self._victims:
            operations_of(site).thaw(victim.replica)

    def healed(self, site: Site) -> bool:
        """As many ready as before."""
        return len(site.ready_identities(self.service)) >= len(self._before) > 0

    def proof(self, site: Site) -> Proof:
        """How many requests went unanswered, and which end it came to."""
        killed = [victim for victim in self._victims if not site.still_running(victim)]
        end = (
            f"liveness killed {names(killed)} meanwhile"
            if killed
            else f"it went on in the same container (liveness allows {self._limit_s:g} s)"
        )
        return Proof(
            proved=self._sound_before and self._silent > 0,
            evidence=(
                f"{self._silent} of {self._asked} requests to {names(self._victims)} got no answer "
                f"in {ANSWERS_WITHIN_S:g} s; the one before was "
                f"{'answered' if self._sound_before else 'not answered either'}; {end}"
            ),
        )

    def _answers(self, site: Site, victim: Identity) -> bool:
        endpoint = self._endpoints[victim.replica]
        return site.platform.ask(endpoint, PATH, ANSWERS_WITHIN_S) == 200
