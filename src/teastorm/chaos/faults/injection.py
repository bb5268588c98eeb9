"""A service answers badly on purpose: late, with errors, or never (its admin port's faults)."""

from collections.abc import Callable
from dataclasses import dataclass

from teastorm.chaos.faults.base import Fault, Proof, Site
from teastorm.platforms.base import JsonValue
from teastorm.platforms.faults import FaultSpec


@dataclass(frozen=True, kw_only=True)
class CanaryAnswer:
    """What one harmless request to one replica came to; `status` 0: no answer in time."""

    status: int
    seconds: float


type Canary = Callable[[str, float], CanaryAnswer]
"""Ask `host:port`, waiting at most so many seconds."""


class Injection(Fault):
    """Inject `spec` into every replica of `service`.

    Proved by a canary: a request of our own, to the main port, that came back late, with the
    injected status, or not at all, though it did not before. Canaries run only while it holds.
    """

    def __init__(self, service: str, spec: FaultSpec, canary: Canary) -> None:
        self.service = service
        self.kind = spec.kind
        self._spec = spec
        self._canary = canary
        self._sound_before: CanaryAnswer | None = None
        self._seen: list[CanaryAnswer] = []
        self._hits = 0

    def planned(self) -> dict[str, JsonValue]:
        """The injected fault as the service was told it."""
        return {**self._spec.as_json(), "state": "overloaded"}

    def begin(self, site: Site) -> None:
        """Ask a canary that must come back well, then inject."""
        endpoints = site.platform.endpoints(self.service)
        self._sound_before = self._ask(endpoints[0]) if endpoints else None
        site.platform.set_fault(self.service, self._spec)

    def observe(self, site: Site) -> None:
        """Ask one replica after the other."""
        endpoints = site.platform.endpoints(self.service)
        if endpoints:
            answer = self._ask(endpoints[len(self._seen) % len(endpoints)])
            self._seen.append(answer)
            self._hits += self._shows(answer)

    def end(self, site: Site) -> None:
        """Clear it."""
        site.platform.clear_faults(self.service)

    def healed(self, site: Site) -> bool:
        """Every replica answers a canary as before."""
        endpoints = site.platform.endpoints(self.service)
        return bool(endpoints) and not any(self._shows(self._ask(e)) for e in endpoints)

    def proof(self, site: Site) -> Proof:
        """How many canaries were hit."""
        del site
        sound = self._sound_before is not None and not self._shows(self._sound_before)
        return Proof(
            proved=sound and self._hits > 0,
            evidence=(
                f"{self._hits} of {len(self._seen)} canaries to {self.service} showed the "
                f"{self.kind}; the one before it was {'sound' if sound else 'not sound'}"
            ),
        )

    def _ask(self, endpoint: str) -> CanaryAnswer:
        return self._canary(endpoint, max(1.0, 2 * self._spec.latency_s))

    def _shows(self, answer: CanaryAnswer) -> bool:
        if self._spec.kind == "latency":
            return answer.status == 0 or answer.seconds >= 0.9 * self._spec.latency_s
        if self._spec.kind == "errors":
            return answer.status == self._spec.status
        return answer.status == 0
