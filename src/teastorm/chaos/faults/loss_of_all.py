"""Every replica of a service is gone and stays gone for a while: the contract's `out` rows."""

import signal as signals

from teastorm.chaos.faults.base import Fault, Identity, Proof, Site
from teastorm.platforms.base import JsonValue


class LossOfAll(Fault):
    """Kill all of `service` and keep it from being replaced until the end.

    Proved when, while it held, the endpoints file listed none of the service and no process of
    before was alive; and, after it, others are ready. Nothing of that comes from the kill's answer.
    """

    kind = "loss-of-all"

    def __init__(self, service: str) -> None:
        self.service = service
        self._before: list[Identity] = []
        self._looks = 0
        self._empty_looks = 0

    def planned(self) -> dict[str, JsonValue]:
        """The state that the degradation contract calls it."""
        return {"state": "out"}

    def begin(self, site: Site) -> None:
        """Stop the replacing first, or a replica would come back before the last is gone."""
        self._before = site.identities(self.service)
        site.platform.pause_replacing(self.service)
        for identity in self._before:
            site.platform.kill(identity.replica, int(signals.SIGKILL))

    def observe(self, site: Site) -> None:
        """Look whether any of it is left."""
        self._looks += 1
        if not site.ready_identities(self.service) and not any(
            map(site.still_running, self._before)
        ):
            self._empty_looks += 1

    def end(self, site: Site) -> None:
        """Let the platform replace what is missing."""
        site.platform.resume_replacing(self.service)

    def healed(self, site: Site) -> bool:
        """As many as before are ready."""
        return len(site.ready_identities(self.service)) >= len(self._before) > 0

    def proof(self, site: Site) -> Proof:
        """Empty while it held, others afterwards."""
        came = [i for i in site.ready_identities(self.service) if i not in self._before]
        gone = [i for i in self._before if not site.still_running(i)]
        everybody = len(gone) == len(self._before) > 0
        return Proof(
            proved=everybody and self._empty_looks > 0 and len(came) >= len(self._before),
            evidence=(
                f"{self.service} had no endpoint and no process in {self._empty_looks} of "
                f"{self._looks} looks; gone: {', '.join(map(str, gone)) or 'none'}; "
                f"came and ready: {', '.join(map(str, came)) or 'none'}"
            ),
        )
