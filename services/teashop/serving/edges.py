"""Faults between services: what a caller can be told to suffer on its way to another one.

The caller's own client plays the network. Set through the caller's admin port, in force towards
one service or one replica of it, and ended by themselves after `duration_s`, whoever set them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from teashop.serving.clock import Clock

KINDS = ("latency", "errors", "partition", "refuse", "dns")
ANSWERS = ("fails", "none")
LONGEST_S = 600.0
_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeFault:
    """One fault on the way to a service.

    Attributes:
        to: the service that is called.
        kind: latency (each request leaves later), errors (something on the way answers `status`),
            partition (packets are dropped both ways: connections are not made, and what was sent
            over one that stands is not answered), refuse (packets are rejected: connections are
            refused and those that stand are reset), dns (its name cannot be resolved).
        endpoint: only towards this replica (`host:port`); None: towards all. A name has none.
        latency_s: of latency; a jitter drawn evenly from 0 to `jitter_s` comes on top.
        share: of the requests that latency or errors hit, 0 to 1.
        answer: of dns: `fails` (the resolver gives no answer) or `none` (it says there is none).
        duration_s: after which it ends by itself; at most ten minutes.
    """

    to: str
    kind: str
    endpoint: str | None = None
    latency_s: float = 0.0
    jitter_s: float = 0.0
    share: float = 1.0
    status: int = 503
    answer: str = "fails"
    duration_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not self.to:
            raise ValueError("to must name the service that is called")
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if self.latency_s < 0 or self.jitter_s < 0:
            raise ValueError("latency_s and jitter_s must be at least 0")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be between 0 and 1, got {self.share}")
        if not 400 <= self.status <= 599:
            raise ValueError(f"status must be an error from 400 to 599, got {self.status}")
        if self.answer not in ANSWERS:
            raise ValueError(f"answer must be one of {', '.join(ANSWERS)}, got {self.answer!r}")
        if not 0 < self.duration_s <= LONGEST_S:
            raise ValueError(f"duration_s must be above 0 and at most 600, got {self.duration_s}")
        if self.kind == "dns" and self.endpoint is not None:
            raise ValueError("dns takes no endpoint: a name stands for all replicas of a service")


class EdgeFaults:
    """The faults in force on one caller's outgoing edges. Belongs to one event loop.

    One of a kind towards a service, or towards one of its replicas; another takes its place. Falsy
    while there is none, which is what an attempt pays for when nothing is injected.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._faults: dict[tuple[str, str, str | None], tuple[EdgeFault, float]] = {}

    def __bool__(self) -> bool:
        return bool(self._faults)

    def set(self, fault: EdgeFault) -> None:
        """Put `fault` in force."""
        ends_s = self._clock.now() + fault.duration_s
        self._faults[fault.to, fault.kind, fault.endpoint] = (fault, ends_s)

    def clear(self) -> None:
        """End all; what a partition held up goes on within a twentieth of a second."""
        self._faults.clear()

    def current(self) -> list[EdgeFault]:
        """Those in force now; what has run out is forgotten."""
        now_s = self._clock.now()
        self._faults = {k: v for k, v in self._faults.items() if v[1] > now_s}
        return [fault for fault, _ in self._faults.values()]

    def in_force(self, fault: EdgeFault) -> bool:
        """Whether that very one is."""
        found = self._faults.get((fault.to, fault.kind, fault.endpoint))
        return found is not None and found[0] is fault and found[1] > self._clock.now()

    def delay_s(self, service: str, endpoint: str) -> float:
        """How much later this request leaves; drawn anew for each."""
        return sum(
            fault.latency_s + self._rng.random() * fault.jitter_s
            for fault in self._on("latency", service, endpoint)
            if self._hits(fault)
        )

    def error(self, service: str, endpoint: str) -> int | None:
        """The status that something on the way answers this request with, if it does."""
        for fault in self._on("errors", service, endpoint):
            if self._hits(fault):
                return fault.status
        return None

    def cut(self, service: str, endpoint: str) -> Cut | None:
        """The cut between here and this replica, if there is one."""
        for kind in ("refuse", "partition"):
            for fault in self._on(kind, service, endpoint):
                return Cut(self, fault)
        return None

    def resolver_says(self, service: str) -> str | None:
        """How the resolver fails for a name (`fails`, `none`); None when it works."""
        for fault in self._on("dns", service, None):
            return fault.answer
        return None

    async def wait(self, seconds: float) -> None:
        """Let time pass on the clock that the faults run by."""
        await self._clock.sleep(seconds)

    def _on(self, kind: str, service: str, endpoint: str | None) -> Iterator[EdgeFault]:
        for fault in self.current():
            if fault.kind == kind and fault.to == service and fault.endpoint in {None, endpoint}:
                yield fault

    def _hits(self, fault: EdgeFault) -> bool:
        return fault.share >= 1 or self._rng.random() < fault.share


class Cut:
    """Nothing gets through while it is in force."""

    __slots__ = ("_edges", "_fault")

    def __init__(self, edges: EdgeFaults, fault: EdgeFault) -> None:
        self._edges = edges
        self._fault = fault

    @property
    def refuses(self) -> bool:
        """Whether packets are rejected, and not dropped without a word."""
        return self._fault.kind == "refuse"

    async def healed(self, within_s: float = LONGEST_S) -> bool:
        """Wait until it is over, as what was sent is sent again until then; False: it is not."""
        left_s = within_s
        while self._edges.in_force(self._fault):
            if left_s <= 0:
                return False
            step_s = min(_POLL_S, left_s)
            await self._edges.wait(step_s)
            left_s -= step_s
        return True
