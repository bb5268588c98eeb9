"""Which replica to ask: what any balancer is asked, and the one that asks each in turn."""

import random
from collections.abc import Collection, Sequence
from typing import ClassVar, Protocol

from teashop.resilience.refusal import Refusal


class NoEndpoint(Refusal):
    """There is no replica to ask."""

    reason: ClassVar[str] = "dependency"


class Balancing(Protocol):
    """What the outgoing client asks of a balancer."""

    def choose(
        self,
        endpoints: Sequence[str],
        rng: random.Random,
        now_s: float,
        exclude: Collection[str] = (),
    ) -> str:
        """An endpoint, one of `exclude` only if there is no other; raises `NoEndpoint`."""

    def started(self, endpoint: str, now_s: float) -> None:
        """A call to `endpoint` begins."""

    def finished(self, endpoint: str, now_s: float, rtt_s: float, ok: bool) -> None:
        """It ended after `rtt_s` seconds; once for each `started`."""


class RoundRobin:
    """Each in turn, whatever its state: the arm without balancing. Not thread-safe."""

    __slots__ = ("_turn",)

    def __init__(self) -> None:
        self._turn = -1

    def choose(
        self,
        endpoints: Sequence[str],
        rng: random.Random,  # noqa: ARG002 - the protocol's
        now_s: float,  # noqa: ARG002 - the protocol's
        exclude: Collection[str] = (),
    ) -> str:
        """See `Balancing.choose`."""
        if not endpoints:
            raise NoEndpoint("no replica is known.")
        for _ in endpoints:
            self._turn += 1
            endpoint = endpoints[self._turn % len(endpoints)]
            if endpoint not in exclude:
                break
        return endpoint

    def started(self, endpoint: str, now_s: float) -> None:
        """Nothing to count."""

    def finished(self, endpoint: str, now_s: float, rtt_s: float, ok: bool) -> None:
        """Nothing to learn."""
