"""What faults between two services share: set in the caller, seen on both ends' own counters."""

from abc import abstractmethod

from teastorm.chaos.faults.base import Fault, Proof, Site
from teastorm.chaos.passages import Look, Passage
from teastorm.platforms.base import JsonValue
from teastorm.platforms.faults import EdgeFaultSpec

SETTLE_S = 0.5
"""What was under way when it began has arrived by then."""

LOOK_S = 1.0
"""A look costs every replica of both services a metrics page."""

IDLE_S = 5.0
"""After so long without a single attempt nobody is calling, and that heals nothing and breaks nothing."""

WINDOW_S = 2.0
"""Attempts are judged over no longer than this after the end: older ones tell of the fault."""


class EdgeFault(Fault):
    """A fault on the way from `caller` to `spec.to`. Subclasses say what proves it, and its end.

    `look` reads both ends' pages. Nothing of the proof comes from the admin port that set it:
    callers count attempts and look-ups where they make them, callees what arrives.
    """

    state = ""
    """What the degradation contract calls it; empty: the contract has no word for it."""

    def __init__(self, caller: str, spec: EdgeFaultSpec, look: Look) -> None:
        self.service = caller
        self.spec = spec
        self._look = look
        self._began_s = 0.0
        self._looked_s = 0.0
        self._before: Passage | None = None
        self._first: Passage | None = None
        self._last: Passage | None = None
        self._since: tuple[float, Passage] | None = None
        self._ended_s: float | None = None

    def planned(self) -> dict[str, JsonValue]:
        """The injected fault as the caller was told it, and which dependency is in which state."""
        state = {"dependency": self.spec.to, "state": self.state} if self.state else {}
        return {**self.spec.as_json(), **state}

    @abstractmethod
    def judged(self, before: Passage, during: Passage) -> Proof:
        """What passed from the callers' start to the fault, and what while it held."""

    @abstractmethod
    def sound(self, since: Passage) -> bool:
        """Whether what passed since the end shows that it is over; asked when something passed."""

    def begin(self, site: Site) -> None:
        """Look at what passed before, then inject."""
        self._before = self._look()
        site.platform.set_fault(self.service, self.spec)
        self._began_s = self._looked_s = site.now_s()

    def observe(self, site: Site) -> None:
        """Look once what was under way has arrived, and then again and again."""
        now_s = site.now_s()
        if now_s - self._looked_s < (SETTLE_S if self._first is None else LOOK_S):
            return
        found = self._look()
        self._looked_s = site.now_s()
        if found is not None:
            self._first, self._last = self._first or found, found

    def end(self, site: Site) -> None:
        """Clear it."""
        site.platform.clear_faults(self.service)

    def healed(self, site: Site) -> bool:
        """No caller says that a fault is in force, and what passes now shows none."""
        now_s = site.now_s()
        self._ended_s = now_s if self._ended_s is None else self._ended_s
        found = self._look()
        if found is None or found.faults:
            return False
        if self._since is None or now_s - self._since[0] > WINDOW_S:
            since, self._since = self._since, (now_s, found)
            if since is None:
                return False
            return self._passes(found.since(since[1]), now_s)
        return self._passes(found.since(self._since[1]), now_s)

    def proof(self, site: Site) -> Proof:
        """Compare what passed before with what passed while it held."""
        del site
        if self._before is None or self._first is None or self._last is None:
            return Proof(proved=False, evidence="the callers' or the callees' pages were not seen")
        if self._first is self._last:
            return Proof(proved=False, evidence="it was seen once; two looks make a difference")
        return self.judged(self._before, self._last.since(self._first))

    @property
    def edge(self) -> str:
        """In a sentence."""
        return f"{self.service} -> {self.spec.to_replica or self.spec.to}"

    def _passes(self, since: Passage, now_s: float) -> bool:
        if self.nothing_to_judge(since):
            return now_s - (self._ended_s or now_s) >= IDLE_S
        return self.sound(since)

    def nothing_to_judge(self, since: Passage) -> bool:
        """Whether nobody called; then only the callers' own word says that it is over."""
        return since.attempts() == 0
