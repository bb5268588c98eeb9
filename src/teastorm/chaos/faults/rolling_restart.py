"""Every replica of a service is replaced, one after the other, while people are being served."""

from teastorm.chaos.faults.base import Fault, Identity, Proof, Site, names
from teastorm.chaos.faults.cluster import operations_of
from teastorm.platforms.base import JsonValue


class RollingRestart(Fault):
    """Restart `service` as `kubectl rollout restart` does.

    Proved when no pod of before is left and as many others are ready; the Deployment's own status
    says when it is done. There is nothing to undo: a rollout that was begun is waited for.
    """

    kind = "rolling-restart"
    heals_within_s = 180.0

    def __init__(self, service: str) -> None:
        self.service = service
        self._before: list[Identity] = []
        self._generation = 0
        self._fewest_ready: int | None = None

    def planned(self) -> dict[str, JsonValue]:
        """Nothing but itself."""
        return {}

    def begin(self, site: Site) -> None:
        """Give the Deployment a new stamp."""
        self._before = site.identities(self.service)
        self._generation = operations_of(site).restart(self.service)

    def observe(self, site: Site) -> None:
        """How many are ready at the worst moment."""
        ready = len(site.ready_identities(self.service))
        self._fewest_ready = min(ready, self._fewest_ready or ready)

    def over(self, site: Site) -> bool:
        """When the Deployment says so, and the last of the old pods is gone."""
        rollout = operations_of(site).rollout(self.service)
        done = rollout.done and rollout.generation >= self._generation
        return done and not self._left(site)

    def end(self, site: Site) -> None:
        """The rollout ends by itself."""

    def healed(self, site: Site) -> bool:
        """As `over`."""
        return self.over(site)

    def proof(self, site: Site) -> Proof:
        """Who went and who came."""
        left = self._left(site)
        came = [i for i in site.ready_identities(self.service) if i not in self._before]
        gone = [i for i in self._before if i not in left]
        return Proof(
            proved=not left and len(came) >= len(self._before) > 0,
            evidence=(
                f"gone: {names(gone)}; came and ready: {names(came)}; "
                f"at the worst moment {self._fewest_ready} were ready"
            ),
        )

    def _left(self, site: Site) -> list[Identity]:
        return [identity for identity in self._before if site.still_running(identity)]
