"""Some replicas of a service die without a word, and the platform replaces them."""

import signal as signals

from teastorm.chaos.faults.base import Fault, Identity, Proof, Site, names
from teastorm.platforms.base import JsonValue

SIGNALS = {"KILL": signals.SIGKILL, "TERM": signals.SIGTERM, "STOP": signals.SIGSTOP}


class ReplicaLoss(Fault):
    """Kill `count` replicas of `service`, the oldest first.

    Proved when each killed process is gone (same pid and start time nowhere among the living)
    and as many *other* ones, not there before, are ready and listed in the endpoints file. It
    counts as over when it has begun: from the kill on, what happens is recovery (DEFINITIONS.md).
    """

    kind = "replica-loss"

    def __init__(self, service: str, *, signal: str = "KILL", count: int = 1) -> None:
        if signal not in SIGNALS:
            raise ValueError(f"signal must be one of {', '.join(SIGNALS)}, got {signal!r}")
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.service = service
        self._signal = signal
        self._count = count
        self._before: list[Identity] = []
        self._victims: list[Identity] = []

    def planned(self) -> dict[str, JsonValue]:
        """The signal and how many."""
        return {"signal": self._signal, "count": self._count}

    def begin(self, site: Site) -> None:
        """Send the signals."""
        self._before = site.identities(self.service)
        if len(self._before) < self._count:
            raise ValueError(
                f"{self.service} has {len(self._before)} replicas, {self._count} cannot be lost"
            )
        for identity in self._before[: self._count]:
            self._victims.append(identity)
            site.platform.kill(identity.replica, int(SIGNALS[self._signal]))

    def observe(self, site: Site) -> None:
        """Nothing to see before the replacement stands."""

    def end(self, site: Site) -> None:
        """A stopped process has to be finished off; a dead one needs nothing."""
        if self._signal == "STOP":
            for victim in self._gone_or_not(site, gone=False):
                site.platform.kill(victim.replica, int(signals.SIGKILL))

    def healed(self, site: Site) -> bool:
        """As many replicas ready as before, none of them one that is gone.

        A victim that lives on was never hit: that spoils the proof, but nothing is left faulty.
        """
        ready = site.ready_identities(self.service)
        gone = self._gone_or_not(site, gone=True)
        return len(ready) >= len(self._before) and not set(ready) & set(gone)

    def proof(self, site: Site) -> Proof:
        """Compare who lives now with who lived before."""
        gone = self._gone_or_not(site, gone=True)
        came = [i for i in site.ready_identities(self.service) if i not in self._before]
        proved = (
            len(self._victims) == self._count
            and len(gone) == self._count
            and len(came) >= self._count
        )
        return Proof(
            proved=proved,
            evidence=(
                f"gone: {names(gone)}; came and ready: {names(came)}"
                if proved
                else f"asked to lose {self._count} of {self.service}; gone: {names(gone)}; "
                f"came and ready: {names(came)}"
            ),
        )

    def _gone_or_not(self, site: Site, *, gone: bool) -> list[Identity]:
        return [v for v in self._victims if site.still_running(v) is not gone]
