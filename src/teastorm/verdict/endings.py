"""Replicas that ended in the run although no declared fault ended them.

Two witnesses: the platform's events (a replica is gone, its container was restarted), and the start
time that each process exports of itself, once a second. What a fault of the run, a scale-down or the
tear-down asked for is left out; of the rest it is said who ended it, since that decides what the run
is worth: a shop that fell over failed, a shop that somebody else laid hands on was not judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from teastorm.verdict import names
from teastorm.verdict.events import Event
from teastorm.verdict.faults import Fault
from teastorm.verdict.run import Run

TAKING = frozenset({"replica-loss", "loss-of-all", "rolling-restart", "node-drain"})
"""Faults that take whole replicas from without: a process that crashes meanwhile is none of theirs."""

BREAKING = frozenset({"container-kill", "hang", "crash"})
"""Faults under which a process ends by itself, or by liveness."""

# DisruptionTarget reasons of a pod: kubernetes.io, "Pod disruption conditions".
DISRUPTIONS = frozenset(
    {
        "PreemptionByScheduler",
        "DeletionByTaintManager",
        "EvictionByEvictionAPI",
        "DeletionByPodGC",
        "TerminationByKubelet",
    }
)
# What kills from without: a hand or the machine's own memory guard (SIGKILL, SIGTERM, SIGINT).
FOREIGN_EXITS = frozenset({"exit -9", "exit -15", "exit -2", "exit 0"})
# A ReplicaSet replaces a deleted pod at once; one that was scaled away it does not replace.
REPLACED_WITHIN_S = 3.0
# The watch tells a little after the act, and a fault's own end is noted before its last pod is seen.
TOLD_WITHIN_S = 2.0
# A start time is scraped once the new process answers: both tell of one restart within so long.
SAME_RESTART_S = 30.0
ANEW_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A replica that ended at `t_s`. `by_itself`: nothing but the shop is known to have caused it."""

    t_s: float
    service: str
    replica: str
    how: str
    by_itself: bool

    def __str__(self) -> str:
        return f"{self.replica} at {self.t_s:.1f} s ({self.how})"


def undeclared(run: Run) -> tuple[Ending, ...]:
    """The endings during the load that no declared fault explains, oldest first."""
    found = sorted((*_told(run), *_began_anew(run)), key=lambda ending: ending.t_s)
    within = [e for e in found if run.load_window.start_s <= e.t_s < run.load_window.end_s]
    left: list[Ending] = []
    taken: dict[str, int] = {}
    for ending in within:
        fault = next((f for f in run.faults if _explains(f, ending, taken)), None)
        if fault is None:
            left.append(ending)
        else:
            taken[fault.id] = taken.get(fault.id, 0) + 1
    return tuple(left)


def replicas_seen(run: Run) -> int:
    """How many replicas either witness can tell of."""
    told = {(e.service, e.replica) for e in run.events if e.kind.startswith("replica_")}
    scraped = {(s.service, s.replica) for s in run.metrics.select(names.STARTED)}
    return len(told | scraped)


def _explains(fault: Fault, ending: Ending, taken: dict[str, int]) -> bool:
    kinds = BREAKING if ending.by_itself else TAKING | BREAKING
    # A drain is noted for one service, and takes the pods of all.
    mine = fault.service == ending.service or fault.kind == "node-drain"
    if fault.kind not in kinds or not mine or fault.began_s is None:
        return False
    over_s = max(t for t in (fault.began_s, fault.ended_s, fault.healed_s) if t is not None)
    asked = fault.planned.get("count")
    enough = isinstance(asked, int) and taken.get(fault.id, 0) >= asked
    return not enough and fault.began_s - TOLD_WITHIN_S <= ending.t_s <= over_s + TOLD_WITHIN_S


def _told(run: Run) -> Iterator[Ending]:
    """What events.json tells, without what a platform stopped in order and did not replace."""
    stopping: dict[str, float] = {}
    for event in sorted(run.events, key=lambda e: e.t_s):
        detail = str(event.details.get("detail") or "")
        if event.kind == "replica_unready" and detail == "stopping":
            stopping.setdefault(event.replica, event.t_s)
        ending = Ending(
            t_s=event.t_s, service=event.service, replica=event.replica, how="", by_itself=False
        )
        if event.kind == "replica_restarted":
            how = f"its container ended and was restarted: {detail or 'no reason told'}"
            yield replace(ending, how=how, by_itself=True)
        elif event.kind == "replica_gone":
            if event.replica not in stopping:
                yield replace(ending, how=detail or "gone", by_itself=_is_the_shops(detail))
                continue
            ending = replace(ending, t_s=stopping[event.replica])
            if detail in DISRUPTIONS:
                yield replace(ending, how=detail)
            elif event.details.get("uid") and _replaced(run, ending):
                yield replace(ending, how="its pod was deleted and replaced")


def _is_the_shops(detail: str) -> bool:
    """Whether a process that nobody of the run asked to end did so of its own: it crashed.

    Local platform alone: a pod that fails as a whole was ended by the cluster.
    """
    return detail.startswith("exit ") and detail not in FOREIGN_EXITS


def _replaced(run: Run, ending: Ending) -> bool:
    return any(
        event.kind == "replica_started"
        and event.service == ending.service
        and event.replica != ending.replica
        and 0.0 <= event.t_s - ending.t_s <= REPLACED_WITHIN_S
        for event in run.events
    )


def _began_anew(run: Run) -> Iterator[Ending]:
    """Processes that were replaced under the same name, and events.json knows of none such."""
    known = [(e.replica, e.t_s) for e in run.events if _tells_of_an_end(e)]
    for series in run.metrics.select(names.STARTED):
        for before, after, t_s in zip(series.value, series.value[1:], series.t_s[1:], strict=False):
            told = any(
                who == series.replica and abs(when - t_s) <= SAME_RESTART_S for who, when in known
            )
            if abs(after - before) > ANEW_S and not told:
                yield Ending(
                    t_s=float(t_s),
                    service=series.service,
                    replica=series.replica,
                    how="its process began anew, say its metrics, and no event tells of it",
                    by_itself=True,
                )


def _tells_of_an_end(event: Event) -> bool:
    return event.kind in {"replica_restarted", "replica_gone"}
