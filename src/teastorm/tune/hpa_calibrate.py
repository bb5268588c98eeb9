"""A replica's CPU, its start-up and the metrics' delays, from what was recorded of an HPA."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from teastorm.autoscale.metrics import PodValue
from teastorm.autoscale.pods import Status
from teastorm.load.draw import draw
from teastorm.simulate.models import InferenceModel
from teastorm.tune.cpu import fit
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.hpa_lags import start_ups
from teastorm.tune.hpa_record import HpaRecord

FULLEST = 0.9
"""Busier replicas say little of what a request costs: some are refused or wait."""
CHAT = "chat"


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrated:
    """What a record tells of its shop and its cluster.

    Attributes:
        cpu_idle_milli, cpu_busy_milli: of a replica; `cpu_error_milli` is the root mean square of
            what they leave unexplained of one sample.
        cpu_request_milli: of a pod's container.
        startup_s: from the wish for a pod to its readiness, the median; None: none came.
        scrape_s: between two samples of one pod, the median.
        lag_s: from a sample's end until the metrics API had it, the median.
        fresh: whether new pods have a sample sooner than two regular ones would take.
        samples: how many there were.
    """

    cpu_idle_milli: int
    cpu_busy_milli: int
    cpu_error_milli: float
    cpu_request_milli: int
    startup_s: float | None
    scrape_s: float
    lag_s: float
    fresh: bool
    samples: int

    def model(self, model: InferenceModel) -> InferenceModel:
        """A replica with these numbers."""
        return dataclasses.replace(
            model,
            cpu_idle_milli=self.cpu_idle_milli,
            cpu_busy_milli=self.cpu_busy_milli,
            cpu_request_milli=self.cpu_request_milli,
            startup_s=model.startup_s if self.startup_s is None else self.startup_s,
        )


def calibrate(record: HpaRecord, tokens: int = 40) -> Calibrated:
    """Read them off; `tokens` are those of a full answer.

    CPU is fitted as idle + busy x fill (least squares), the fill of a batch following from the
    arrivals that were offered in a sample's window, shared by the pods that were ready.

    Raises:
        TuneInvalid: too few samples, or the load did not vary.
    """
    seen = _samples(record)
    first = {key: at_s for key, (at_s, _) in seen.items()}
    rows = _fills(record, seen, tokens)
    cpu = fit(rows)
    ends = [[end_s for _, end_s in sorted(k for k in seen if k[0] == pod)] for pod in _names(seen)]
    steps = [b - a for times in ends for a, b in pairwise(times)]
    if not steps:
        raise TuneInvalid("calibration needs pods with several samples; record a longer load")
    requests = [
        pod.containers[0].request_milli
        for look in record.looks
        for pod in look.pods
        if pod.containers and pod.containers[0].request_milli is not None
    ]
    if not requests:
        raise TuneInvalid("calibration needs pods that request CPU")
    starts = start_ups(record)
    scrape_s = statistics.median(steps)
    lag_s = statistics.median(at_s - end_s for (_, end_s), at_s in first.items())
    waits = _waits(record, first)
    return Calibrated(
        cpu_idle_milli=cpu.idle_milli,
        cpu_busy_milli=cpu.busy_milli,
        cpu_error_milli=cpu.error_milli,
        cpu_request_milli=requests[-1],
        startup_s=statistics.median(starts) if starts else None,
        scrape_s=scrape_s,
        lag_s=lag_s,
        # The first of two regular samples is had half a period after readiness, and the lag.
        fresh=bool(waits) and statistics.median(waits) < scrape_s + lag_s,
        samples=len(rows),
    )


type _Seen = dict[tuple[str, float], tuple[float, PodValue]]
"""By pod and end of the sample: when it was first seen, and the sample."""


def _samples(record: HpaRecord) -> _Seen:
    """Every sample that came while the record ran; those of its first look are of unknown age."""
    known = {(name, v.timestamp_s) for name, v in record.looks[0].samples.items()}
    seen: _Seen = {}
    for look in record.looks[1:]:
        for name, value in look.samples.items():
            key = (name, value.timestamp_s)
            if key not in known and key not in seen:
                seen[key] = (look.at_s, value)
    return seen


def _names(seen: _Seen) -> set[str]:
    return {pod for pod, _ in seen}


def _fills(record: HpaRecord, seen: _Seen, tokens: int) -> list[tuple[float, float]]:
    """(fill, milli) of each sample whose whole window lies in the load, with its pod ready."""
    arrivals = draw(record.plan, record.seed).arrivals
    chats = np.array([a.intended_s for a in arrivals if a.klass == CHAT])
    looks_s = np.array([look.at_s for look in record.looks])
    ready = np.array([float(look.ready) for look in record.looks])
    since = _ready_since(record)
    model = record.model
    alone_s = model.ttft_s + tokens * model.itl_s
    rows = []
    for (name, end_s), (_, value) in seen.items():
        start_s = end_s - value.window_s
        inside = (looks_s >= start_s) & (looks_s <= end_s)
        began_s = since.get(name)
        if start_s < 0 or end_s > record.seconds or not inside.any():
            continue
        if began_s is None or began_s > start_s or not ready[inside].mean() > 0:
            continue
        came = np.searchsorted(chats, end_s) - np.searchsorted(chats, start_s)
        rate = float(came) / value.window_s / float(ready[inside].mean())
        fill = fill_of(rate, alone_s, model)
        if fill <= FULLEST:
            rows.append((fill, float(value.value_milli)))
    return rows


def fill_of(rate_rps: float, alone_s: float, model: InferenceModel) -> float:
    """The share of a batch in use at a rate, by Little's law; above 1 where there is none.

    A sequence takes `alone_s` x (1 + (slowdown - 1) x fill), and fill = rate x that / places.
    """
    base = rate_rps * alone_s / model.max_num_seqs
    slower = base * (model.slowdown - 1)
    return base / (1 - slower) if slower < 1 else 2.0


def _waits(record: HpaRecord, first: Mapping[tuple[str, float], float]) -> list[float]:
    """From each new pod's readiness until its first sample was had."""
    known = {pod.name for pod in record.looks[0].pods}
    sampled: dict[str, float] = {}
    for (name, _), at_s in first.items():
        sampled[name] = min(at_s, sampled.get(name, at_s))
    since = _ready_since(record)
    return [at_s - since[n] for n, at_s in sampled.items() if n in since and n not in known]


def _ready_since(record: HpaRecord) -> Mapping[str, float]:
    """When each pod became ready, as its condition says."""
    since: dict[str, float] = {}
    for look in record.looks:
        for pod in look.pods:
            if pod.ready is not None and pod.ready.status is Status.TRUE:
                since.setdefault(pod.name, pod.ready.last_transition_s)
    return since
