"""The port beside the real controller: the same pods and samples in, and is the same decided?

The controller writes its status at each sync whose outcome differs from the last. A look at which
the status changed therefore tells of a sync since the look before. Which pods and samples that
sync read is known to a second: those of the look before, or of this one; the combination that
gives the very average which the controller reported is taken.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from teastorm.autoscale.calculator import Scene
from teastorm.autoscale.controller import Autoscaler
from teastorm.autoscale.evaluate import Advice, Readings, advise
from teastorm.autoscale.pods import Pod, StartUp
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.hpa_record import HpaRecord, Look


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
    """All syncs that left a trace."""

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
    for before, after in pairwise(record.looks):
        if after.status == before.status and after.wanted == before.wanted:
            continue
        if after.average_milli is None:
            continue
        scaler.spec = dataclasses.replace(manifest.spec, min_replicas=after.floor)
        known, advice = _advice(record, before, after, start_up or StartUp())
        decision = scaler.decide(after.at_s, before.wanted, advice.replicas)
        opinion = advice.opinions[0]
        syncs.append(
            Sync(
                at_s=after.at_s,
                known=known,
                average_milli=after.average_milli,
                percent=after.percent,
                port_percent=opinion.utilisation_percent,
                desired=after.desired,
                port_desired=decision.desired,
            )
        )
    return PortCheck(syncs=tuple(syncs))


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
            spec_replicas=before.wanted,
            status_replicas=before.current,
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
