"""A node is taken out of service: cordoned, and the shop's pods on it evicted within their budgets."""

from typing import TYPE_CHECKING

from teastorm.chaos.faults.base import Fault, Proof, Site
from teastorm.chaos.faults.cluster import EVICTED, operations_of
from teastorm.platforms.base import SERVICES, JsonValue

if TYPE_CHECKING:
    from teastorm.platforms.kubernetes.operations import Operations
    from teastorm.platforms.kubernetes.pods import Pod


class NodeDrain(Fault):
    """Drain a node that holds a pod of `service`, and uncordon it at the end.

    One pod after the other, each when the one before has its ready successor: a careful operator's
    drain. Or, with `at_once`, all of them in the same moment, as `kubectl drain` does: a budget
    holds back what would leave one service with too few, not what takes half of every service.

    Never the node of PostgreSQL: its volume lives there, and the database could start nowhere
    else. Evictions honour PodDisruptionBudgets: one that is refused is asked for again. Proved by
    the evicted pods' DisruptionTarget condition, their UIDs being gone, and others being ready.
    """

    kind = "node-drain"
    heals_within_s = 90.0

    def __init__(self, service: str, *, node: str | None = None, at_once: bool = False) -> None:
        self.service = service
        self._node = node
        self._at_once = at_once
        self._ready_before: dict[str, int] = {}
        self._there: dict[str, Pod] = {}
        self._asked: set[str] = set()
        self._refused: set[str] = set()

    def planned(self) -> dict[str, JsonValue]:
        """Which node, once it is known, and how."""
        return {"node": self._node, "at_once": self._at_once}

    def begin(self, site: Site) -> None:
        """Choose and cordon; refused before anything is changed when the drain would do harm."""
        cluster = operations_of(site)
        self._node = self._chosen(cluster)
        self._ready_before = {s: len(site.ready_identities(s)) for s in SERVICES}
        self._there = {pod.uid: pod for pod in cluster.pods() if pod.node == self._node}
        cluster.cordon(self._node)
        site.note("node_cordoned", node=self._node)
        self.observe(site)

    def observe(self, site: Site) -> None:
        """Ask for the pods that are still there, or for the next of them."""
        cluster = operations_of(site)
        staying = [pod for pod in self._left(cluster) if not pod.deleting]
        if self._at_once:
            for pod in staying:
                self._ask(site, cluster, pod)
        elif staying and not self._on_its_way(staying) and self.healed(site):
            self._ask(site, cluster, staying[0])

    def over(self, site: Site) -> bool:
        """When none of the shop is left on the node."""
        return not self._left(operations_of(site))

    def end(self, site: Site) -> None:
        """Let the node take pods again."""
        if self._node is not None:
            operations_of(site).uncordon(self._node)

    def healed(self, site: Site) -> bool:
        """Every service has as many ready replicas as before."""
        return all(
            len(site.ready_identities(service)) >= count
            for service, count in self._ready_before.items()
        )

    def proof(self, site: Site) -> Proof:
        """Which pods went, and by what."""
        cluster = operations_of(site)
        left = {pod.uid for pod in cluster.pods()}
        gone = [pod for uid, pod in self._there.items() if uid not in left]
        evicted = [pod for pod in gone if cluster.disruption_of(pod.uid) == EVICTED]
        told = ", ".join(f"{pod.name} (uid {pod.uid})" for pod in evicted) or "none"
        return Proof(
            proved=len(evicted) == len(self._there) > 0,
            evidence=(
                f"node {self._node}: {len(evicted)} of {len(self._there)} pods evicted: {told}; "
                f"a disruption budget delayed {len(self._refused)} of them"
            ),
        )

    def _ask(self, site: Site, cluster: "Operations", pod: "Pod") -> None:
        if cluster.evict(pod):
            self._asked.add(pod.uid)
        elif pod.uid not in self._refused:
            self._refused.add(pod.uid)
            site.note("eviction_refused", pod=pod.name, uid=pod.uid, service=pod.component)

    def _on_its_way(self, staying: "list[Pod]") -> bool:
        """An eviction was granted, and the watch has not told of it yet."""
        return any(pod.uid in self._asked for pod in staying)

    def _left(self, cluster: "Operations") -> "list[Pod]":
        return [pod for pod in cluster.pods() if pod.uid in self._there]

    def _chosen(self, cluster: "Operations") -> str:
        database = cluster.database()
        holds_it = "" if database is None else database.node
        nodes = cluster.schedulable()
        if self._node is not None:
            if self._node == holds_it:
                raise ValueError(
                    f"node {self._node} holds PostgreSQL's local volume: draining it would strand "
                    "the database; name another node"
                )
            wanted = [self._node]
        else:
            wanted = [pod.node for pod in cluster.pods(self.service) if pod.node != holds_it]
        able = [node for node in wanted if node in nodes]
        if not able:
            why = (
                f"the only one with a pod of {self.service} holds PostgreSQL's local volume, and "
                "draining it would strand the database"
                if any(pod.node == holds_it for pod in cluster.pods(self.service))
                else f"none that takes pods holds a pod of {self.service}"
            )
            raise ValueError(f"no node to drain: {why}")
        if len(nodes) < 2:
            raise ValueError(f"node {able[0]} is the only one that takes pods; nothing could move")
        return able[0]
