"""The database dies under the order and dispatch services, and its StatefulSet starts it again."""

from teastorm.chaos.faults.base import Fault, Proof, Site
from teastorm.chaos.faults.cluster import operations_of
from teastorm.platforms.base import JsonValue

GRACE_S = 1
"""Not 0: a pod removed at once would be replaced while its old process still holds the volume.
One second is too short for PostgreSQL's own shutdown, which waits for its clients: it crashes."""


class PostgresLoss(Fault):
    """Delete PostgreSQL's pod with one second of grace.

    Proved when its UID is gone and another one is ready. It counts as over when it has begun: from
    the kill on, what happens is recovery.
    """

    kind = "postgres-loss"
    service = "orders"
    heals_within_s = 90.0

    def __init__(self) -> None:
        self._uid = ""
        self._node = ""

    def planned(self) -> dict[str, JsonValue]:
        """What is lost."""
        return {"database": "postgresql", "grace_s": GRACE_S}

    def begin(self, site: Site) -> None:
        """Delete it."""
        cluster = operations_of(site)
        database = cluster.database()
        if database is None:
            raise ValueError("the release runs no PostgreSQL of its own to be lost")
        self._uid, self._node = database.uid, database.node
        cluster.delete(database, grace_s=GRACE_S)

    def observe(self, site: Site) -> None:
        """Nothing to see before it is back."""

    def end(self, site: Site) -> None:
        """A dead database needs nothing."""

    def healed(self, site: Site) -> bool:
        """Another one is ready, and so are the services."""
        found = operations_of(site).database()
        back = found is not None and found.ready and found.uid != self._uid
        return back and all(replica.ready for replica in site.platform.replicas(self.service))

    def proof(self, site: Site) -> Proof:
        """Compare UIDs."""
        found = operations_of(site).database()
        came = found is not None and found.ready and found.uid != self._uid
        return Proof(
            proved=bool(self._uid) and came,
            evidence=(
                f"PostgreSQL's pod with uid {self._uid} on {self._node} is gone; "
                f"came and ready: {found.uid if found is not None and came else 'none'}"
            ),
        )

    def ended_s(self, began_s: float, undone_s: float) -> float:
        """At the kill."""
        del undone_s
        return began_s
