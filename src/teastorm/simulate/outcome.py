"""What a run came to: its counts as a `Result`."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from teashop.resilience.criticality import Criticality
from teastorm.simulate.result import ClassResult, Refusals, Replicas, Result, Series
from teastorm.simulate.visit import NAMES

if TYPE_CHECKING:
    from teastorm.simulate.fleet import Fleet
    from teastorm.simulate.scenario import Scenario
    from teastorm.simulate.street import Street
    from teastorm.simulate.tally import ClassTally, Tally


def result_of(
    scenario: Scenario,
    seed: int,
    tally: Tally,
    fleet: Fleet,
    street: Street,
    *,
    spent_s: float,
    pod_seconds: float,
    seconds: float,
    events: int,
) -> Result:
    """Put it together; the tally must have been settled.

    Args:
        spent_s: sequence-seconds that the replicas spent.
        pod_seconds, seconds: replicas times seconds, and seconds, up to the load's end.
    """
    start_s, stop_s = tally.window_s
    width_s = stop_s - start_s
    classes = {name: _class_result(tally.classes[n], width_s) for n, name in enumerate(NAMES)}
    offered = sum(c.offered for c in classes.values())
    places_s = pod_seconds * scenario.inference.max_num_seqs
    chat = classes["chat"]
    wanted = [now for _, now, _ in fleet.curve]
    whole = int(seconds) + 1
    return Result(
        seed=seed,
        demand=scenario.demand.name,
        orders=scenario.demand.orders,
        seconds=seconds,
        window_s=tally.window_s,
        classes=classes,
        refusals=_refusals(tally),
        amplification=sum(c.attempts for c in classes.values()) / max(1, offered),
        slo_misses=chat.offered - chat.good,
        utilisation=tally.in_time_s / places_s if places_s else 0.0,
        wasted=1 - tally.in_time_s / spent_s if spent_s > 0 else 0.0,
        pod_seconds=pod_seconds,
        changes=sum(a != b for a, b in itertools.pairwise(wanted)),
        replicas=tuple(Replicas(at_s=t, wanted=w, ready=r) for t, w, r in fleet.curve),
        series=Series(
            offered=tuple(tally.offered[:whole].tolist()),
            good=tuple(tally.good[:whole].tolist()),
            missed=tuple(tally.missed[:whole].tolist()),
            refused=tuple(tally.refused[:whole].tolist()),
        ),
        street={
            "accepted": street.accepted,
            "turned_away": street.turned_away,
            "promises_broken": street.broken,
            "longest_queue_drinks": street.longest,
        },
        arrivals=tally.arrivals,
        events=events,
    )


def _class_result(tally: ClassTally, width_s: float) -> ClassResult:
    return ClassResult(
        offered=tally.offered,
        attempts=tally.attempts,
        good=tally.good,
        degraded=tally.degraded,
        refused=tally.refused,
        failed=tally.failed,
        late=tally.late,
        goodput_rps=tally.goodput / width_s,
        rungs={str(rung): count for rung, count in sorted(tally.rungs.items())},
        p50_s=tally.latency.quantile(0.5),
        p90_s=tally.latency.quantile(0.9),
        p99_s=tally.latency.quantile(0.99),
    )


def _refusals(tally: Tally) -> tuple[Refusals, ...]:
    return tuple(
        Refusals(criticality=level.label, reason=reason, refused_for=refused_for, attempts=attempts)
        for level in Criticality
        for (reason, refused_for), attempts in sorted(tally.refusals[level].items())
    )
