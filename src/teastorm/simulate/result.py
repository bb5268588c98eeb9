"""What a simulation says: totals over the window, series over the whole load. Versioned JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEMA = "teastorm.simulation/1"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassResult:
    """One class over the window; see DEFINITIONS.md for good, degraded, refused and failed.

    Attributes:
        offered: wishes; every one ends in exactly one of good, degraded, refused and failed.
        goodput_rps: weighted by rung, a second of the window.
        late: of the failed, those answered after their deadline.
        rungs: wishes by the rung of their last answer.
        p50_s, p90_s, p99_s: of good answers, from the intended time; None without any.
    """

    offered: int
    attempts: int
    good: int
    degraded: int
    refused: int
    failed: int
    late: int
    goodput_rps: float
    rungs: Mapping[str, int]
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusals:
    """Attempts of one criticality refused for one reason, over the window."""

    criticality: str
    reason: str
    refused_for: str
    attempts: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A value for each second of the load; chats only.

    `good` and `missed` are by intended second (good weighted by rung, missed: not good);
    `refused` are attempts, by the second of the refusal.
    """

    offered: tuple[int, ...]
    good: tuple[float, ...]
    missed: tuple[int, ...]
    refused: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Replicas:
    """Inference replicas from `at_s` on."""

    at_s: float
    wanted: int
    ready: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One run of one scenario.

    Attributes:
        window_s: start and end of the window of the totals.
        classes: by name.
        amplification: attempts over wishes, in the window.
        slo_misses: chats of the window that were not good.
        utilisation, wasted: of the sequence-seconds available, those delivered in time; of those
            spent, those that were not. Over the whole load.
        pod_seconds: inference replicas times seconds of the load, starting and draining ones too.
        changes: how often the wanted number of replicas changed.
        street: orders taken, turned away, delivered late; the longest queue.
        events: events processed; arrivals: wishes, all classes.
    """

    seed: int
    demand: str
    orders: float
    seconds: float
    window_s: tuple[float, float]
    classes: Mapping[str, ClassResult]
    refusals: tuple[Refusals, ...]
    amplification: float
    slo_misses: int
    utilisation: float
    wasted: float
    pod_seconds: float
    changes: int
    replicas: tuple[Replicas, ...]
    series: Series
    street: Mapping[str, float]
    arrivals: int
    events: int
    schema: str = field(default=SCHEMA)

    @property
    def goodput_rps(self) -> float:
        """Chat goodput over the window."""
        return self.classes["chat"].goodput_rps

    @property
    def p99_s(self) -> float | None:
        """Of good chats over the window."""
        return self.classes["chat"].p99_s

    def as_json(self) -> dict[str, object]:
        """Plain objects, their order fixed, so that equal results are equal bytes."""
        return dataclasses.asdict(self)
