"""Faults a service can be told to have: latency, errors, a hang, a crash; others lie on its way out.

Set through the admin port, applied to the main port's requests, never to probes or metrics, and
ended by themselves after `duration_s`.
"""

from __future__ import annotations

import os
import random
import signal
from dataclasses import dataclass

from teashop.serving.asgi import Problem
from teashop.serving.clock import Clock
from teashop.serving.edges import EdgeFaults

KINDS = ("latency", "errors", "hang", "crash")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        kind: latency (adds `latency_s`), errors (answers `status`), hang (never answers while it
            lasts), crash (the process kills itself).
        share: of the requests, 0 to 1.
        duration_s: after which it ends by itself; at most ten minutes.
    """

    kind: str
    latency_s: float = 0.0
    share: float = 1.0
    status: int = 500
    duration_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be between 0 and 1, got {self.share}")
        if not 0 < self.duration_s <= 600:
            raise ValueError(f"duration_s must be above 0 and at most 600, got {self.duration_s}")
        if self.latency_s < 0:
            raise ValueError(f"latency_s must be at least 0, got {self.latency_s}")
        if not 400 <= self.status <= 599:
            raise ValueError(f"status must be an error from 400 to 599, got {self.status}")


class Faults:
    """The fault in force, if any. Belongs to one event loop.

    Attributes:
        edges: the faults between this service and those that it calls.
    """

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self._clock = clock
        self._rng = rng
        self._fault: Fault | None = None
        self._ends_s = 0.0
        self.edges = EdgeFaults(clock, rng)

    def set(self, fault: Fault) -> None:
        """Put `fault` in force; a crash happens at once."""
        if fault.kind == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        self._fault = fault
        self._ends_s = self._clock.now() + fault.duration_s

    def clear(self) -> None:
        """End all of them; a hanging request is let go within a tenth of a second."""
        self._fault = None
        self.edges.clear()

    @property
    def current(self) -> Fault | None:
        """The fault in force now."""
        if self._fault is not None and self._clock.now() >= self._ends_s:
            self._fault = None
        return self._fault

    async def apply(self) -> None:
        """Let one request suffer what is in force.

        Raises:
            Problem: the injected error.
        """
        fault = self.current
        if fault is None or self._rng.random() >= fault.share:
            return
        if fault.kind == "latency":
            await self._clock.sleep(fault.latency_s)
        elif fault.kind == "errors":
            raise Problem(fault.status, "injected", "An injected error.")
        else:
            while self.current is fault:
                await self._clock.sleep(0.1)
