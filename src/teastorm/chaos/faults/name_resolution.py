"""The name of a service cannot be resolved; the service itself is well."""

from teastorm.chaos.faults.base import Proof
from teastorm.chaos.faults.edge import EdgeFault
from teastorm.chaos.passages import Look, Passage
from teastorm.platforms.faults import EdgeFaultSpec


class NameResolution(EdgeFault):
    """Let the resolver fail `caller` for a callee's name, or say that there is no such name.

    Proved by the callers' own counts of look-ups: at every one of them none came to a good end
    while it held, and some did before.
    """

    kind = "name-resolution"

    def __init__(self, caller: str, spec: EdgeFaultSpec, look: Look) -> None:
        super().__init__(caller, spec, look)
        self._bad = "failed" if spec.answer == "fails" else "none"
        # Without an answer the last one is believed for a while; "there is none" is believed at once.
        self.state = "" if spec.answer == "fails" else "out"

    def judged(self, before: Passage, during: Passage) -> Proof:
        """Each caller by itself."""
        blind = [
            name
            for name, sent in during.callers.items()
            if sent.lookups.get(self._bad, 0.0) > 0 and not sent.lookups.get("ok", 0.0)
        ]
        saw = [name for name, sent in before.callers.items() if sent.lookups.get("ok", 0.0) > 0]
        bad = sum(sent.lookups.get(self._bad, 0.0) for sent in during.callers.values())
        return Proof(
            proved=bool(blind) and set(blind) == set(during.callers) == set(saw),
            evidence=(
                f"{self.edge}: {bad:.0f} look-ups came to nothing ({self._bad}) and none was good "
                f"at {len(blind)} of {len(during.callers)} callers; meanwhile "
                f"{during.attempts('ok'):.0f} of {during.attempts():.0f} attempts were answered"
            ),
        )

    def sound(self, since: Passage) -> bool:
        """Every caller resolves the name again."""
        return all(sent.lookups.get("ok", 0.0) > 0 for sent in since.callers.values())

    def nothing_to_judge(self, since: Passage) -> bool:
        """Names are looked up whether anybody calls or not."""
        return not any(sum(sent.lookups.values()) for sent in since.callers.values())
