"""The port beside the real controller: the same pods and samples in, and is the same decided?

The controller looks each `SYNC_S` and writes its status when something in it changed. So changes
of the status show the moments of its syncs, and the syncs in between are known to have changed
nothing. Which pods and samples a sync read is known to a second: those of the look before, or of
the one after; the combination that gives the very average which the controller reported is taken.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from teastorm.autoscale.calculator import Scene
from teastorm.autoscale.controller import Autoscaler
from teastorm.autoscale.evaluate import Advice, Readings, advise
from teastorm.autoscale.pods import Pod, StartUp
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.hpa_record import HpaRecord, Look

SYNC_S = 15.0
"""kube-controller-manager's default (--horizontal-pod-autoscaler-sync-period)."""

LATE_S = 0.001
"""How much more than that lies between two: the controller counts it from when it was put back into
the queue. So what it remembers from a window of whole periods ago is out of the window, and never
just inside it by how a sum was rounded."""

NEAR_S = 2.0
"""How far a sync without a trace may lie from where the grid puts it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sync:
    """One sync: what the controller reported, and what the port says to the same.

    `known` tells whether pods and samples were found that give the reported average at all.
    """

    at_s: float
    known: bool
    average_milli: int | None
    percent: int | None
    port_percent: int | None
    desired: int
    port_desired: int

    @property
    def equal(self) -> bool:
        """Whether both decided the same."""
        return self.desired == self.port_desired


@dataclass(frozen=True, kw_only=True, slots=True)
class PortCheck:
    """All syncs from the first to the last that left a trace."""

    syncs: tuple[Sync, ...]

    @property
    def known(self) -> int:
        """Syncs whose input was found."""
        return sum(sync.known for sync in self.syncs)

    @property
    def equal(self) -> int:
        """Of those, the ones decided alike."""
        return sum(sync.known and sync.equal for sync in self.syncs)

    def as_json(self) -> dict[str, object]:
        """Counts, and the syncs that differ."""
        return {
            "syncs": len(self.syncs),
            "input_known": self.known,
            "decided_alike": self.equal,
            "differing": [dataclasses.asdict(s) for s in self.syncs if not s.known or not s.equal],
        }


def check_port(record: HpaRecord, start_up: StartUp | None = None) -> PortCheck:
    """Feed the port what the controller saw, sync by sync, with one memory throughout.

    Args:
        start_up: the controller's two flags, if they are not the defaults.

    Raises:
        TuneInvalid: the HPA follows more than one metric, or none of pods' resources.
    """
    manifest = record.manifest
    if len(manifest.metrics) != 1 or not manifest.metrics[0].function.value.startswith("resource"):
        raise TuneInvalid("the record's HPA must follow one resource metric, for instance cpu")
    scaler = Autoscaler(manifest.spec)
    syncs = []
    for at_s, before, after in _moments(record):
        scaler.spec = dataclasses.replace(manifest.spec, min_replicas=after.floor)
        known, advice = _advice(record, before, after, start_up or StartUp())
        # The status has spec.replicas as the sync found it.
        decision = scaler.decide(at_s, after.current, advice.replicas)
        syncs.append(
            Sync(
                at_s=at_s,
                known=known,
                average_milli=after.average_milli,
                percent=after.percent,
                port_percent=advice.opinions[0].utilisation_percent,
                desired=after.desired,
                port_desired=decision.desired,
            )
        )
    return PortCheck(syncs=tuple(syncs))


def _moments(record: HpaRecord) -> Iterator[tuple[float, Look, Look]]:
    """Each sync's moment with the looks before and after it.

    Moments are put on a grid of equal periods: the looks know them to a second only, and whether
    an entry of the port's memory is 14.9 or 15.1 s old decides whether it counts.
    """
    changed = {
        n + 1: (before, after)
        for n, (before, after) in enumerate(pairwise(record.looks))
        if after.status != before.status and after.average_milli is not None
    }
    if not changed:
        return
    looks = record.looks
    phase_s = _phase([looks[n].at_s for n in changed])
    numbers = {round((looks[n].at_s - phase_s) / SYNC_S): n for n in changed}
    first = min(numbers)
    for number in range(first, max(numbers) + 1):
        at_s = phase_s + number * SYNC_S + (number - first) * LATE_S
        place = numbers.get(number)
        if place is not None:
            yield at_s, *changed[place]
            continue
        # Nothing changed; which of the looks around it the sync lies between is not known.
        near = [pair for pair in pairwise(looks) if abs(pair[1].at_s - at_s) <= NEAR_S]
        if near:
            same = [pair for pair in near if _gives(record, *pair)]
            yield at_s, *(same[0] if same else near[len(near) // 2])


def _gives(record: HpaRecord, before: Look, after: Look) -> bool:
    """Whether the reported average comes of these looks."""
    return _advice(record, before, after, StartUp())[0]


def _phase(moments_s: list[float]) -> float:
    """The grid's phase: the mean direction of the moments on a circle of one period."""
    angles = [2 * math.pi * at_s / SYNC_S for at_s in moments_s]
    direction = math.atan2(sum(map(math.sin, angles)), sum(map(math.cos, angles)))
    return direction / (2 * math.pi) * SYNC_S


def _advice(record: HpaRecord, before: Look, after: Look, start_up: StartUp) -> tuple[bool, Advice]:
    """The advice on the input that gives the reported average; else on the look before."""
    metric = record.manifest.metrics[0]
    first: Advice | None = None
    for pods, samples, now_s in _inputs(before, after):
        scene = Scene(
            pods=pods,
            tolerance=record.manifest.spec.tolerances(),
            start_up=start_up,
            now_s=now_s,
        )
        advice = advise(
            [metric],
            scene,
            Readings({metric.name: samples.samples}, {}),
            spec_replicas=after.current,
            status_replicas=len(before.pods),
        )
        if advice.opinions[0].usage_milli == after.average_milli:
            return True, advice
        first = first or advice
    if first is None:
        raise TuneInvalid("a sync without looks around it")
    return False, first


def _inputs(before: Look, after: Look) -> Iterator[tuple[tuple[Pod, ...], Look, float]]:
    """Pods, where the samples are from, and when; the likeliest first.

    Pods that the look after lists for the first time may have come of the very decision.
    """
    names = {pod.name for pod in before.pods}
    fresher = tuple(pod for pod in after.pods if pod.name in names)
    for pods in (before.pods, fresher, after.pods):
        for samples in (before, after):
            yield pods, samples, after.at_s
