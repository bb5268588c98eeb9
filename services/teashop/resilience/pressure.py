"""Who may still use a scarce thing: a priority threshold that follows how full it is."""

from __future__ import annotations

from teashop.resilience.priority import PriorityConfig, Threshold


class Pressure:
    """The priority threshold of one scarce thing. Belongs to one event loop.

    Without the priorities protection everybody is admitted here, and the first to come takes
    what there is.
    """

    __slots__ = ("_on", "name", "threshold")

    def __init__(self, name: str, *, on: bool, config: PriorityConfig | None = None) -> None:
        self.name = name
        self._on = on
        self.threshold = Threshold(config or PriorityConfig())

    def admits(self, criticality: int, user: str, now_s: float) -> bool:
        """Whether the announced threshold lets this request through; counts it as offered."""
        return not self._on or self.threshold.admits(criticality, user, now_s)

    def crowd_out(self, criticality: int) -> None:
        """Somebody of this level found no place: nobody less important gets one for now."""
        if self._on:
            self.threshold.crowd_out(criticality)

    def observe(self, now_s: float, *, overloaded: bool) -> None:
        """Tell whether the thing was too full since the last time."""
        if self._on:
            self.threshold.observe(now_s, overloaded)

    def announced(self) -> bytes:
        """The threshold as `X-Threshold` says it."""
        return self.threshold.announced().encode() if self._on else b"3:1.000"
