"""Did every planned fault happen, as seen by something other than the call that caused it?"""

from __future__ import annotations

from collections.abc import Iterator

from teastorm.verdict.bounds import at_least
from teastorm.verdict.check import Check, Role
from teastorm.verdict.endings import undeclared
from teastorm.verdict.faults import Fault
from teastorm.verdict.run import Run

ID = "fault-proved"
ROLE = Role.VOID
FIX = "read the fault's evidence and the runner's log; a run without its fault judges nothing"
# A fault begins with its phase, and a surge ends with it; on a robbed machine a second later.
OFF_PLAN_S = 3.0
# faults.json and events.json are written from one clock, a few lines of code apart.
TOLD_APART_S = 0.5


def evaluate(run: Run) -> Check:
    """The share of faults that are proved, and do not contradict what the rest of the run says.

    A loss needs other processes after than before, as many; a fault has to begin in the planned
    window and where events.json says so; a fault that the journal tells of has to be listed.
    And nothing else may have happened: a replica that was evicted, deleted or killed by nobody of
    the run is a fault that was not declared. One that ended by itself is `replicas-lived`'s.
    """
    bound = at_least(run, ID, unit="share", fix=FIX)
    if not run.faults:
        return bound.unknown("faults.json lists no fault")
    unproved = {fault.id: why for fault in run.faults if (why := next(_doubts(run, fault), ""))}
    told = {} if run.journal is None else run.journal.faults
    for name in told:
        if name not in {fault.id for fault in run.faults}:
            unproved[name] = "the journal tells of it and faults.json does not"
    total = len({*told, *(fault.id for fault in run.faults)})
    said = unproved or {fault.id: fault.evidence for fault in run.faults}
    foreign = [ending for ending in undeclared(run) if not ending.by_itself]
    return bound.judge(
        1 - len(unproved) / total,
        n=total,
        why="; ".join(f"{name}: {text}" for name, text in said.items()),
        broken=f"no declared fault ended {', '.join(map(str, foreign))}" if foreign else "",
        evidence=[*unproved, *(ending.replica for ending in foreign)],
    )


def _doubts(run: Run, fault: Fault) -> Iterator[str]:
    """Why a fault is not proved; nothing when it is."""
    if not fault.proved or fault.began_s is None or fault.ended_s is None or not fault.evidence:
        yield fault.evidence or "no evidence"
        return
    if run.journal is not None and run.journal.faults.get(fault.id) is False:
        yield "it was not proved when its activity ended, says the journal"
    if fault.replaces:
        yield from _not_replaced(fault)
    planned = run.plan.fault
    if not planned.start_s - OFF_PLAN_S <= fault.began_s <= planned.end_s:
        yield f"it began at {fault.began_s:.1f} s, outside of the fault phase"
    if fault.is_surge and (
        fault.began_s > planned.start_s + OFF_PLAN_S
        or abs(fault.ended_s - planned.end_s) > OFF_PLAN_S
    ):
        yield (
            f"it was watched from {fault.began_s:.1f} to {fault.ended_s:.1f} s, planned was "
            f"{planned.start_s:.1f} to {planned.end_s:.1f} s"
        )
    yield from _told_otherwise(run, fault)


def _told_otherwise(run: Run, fault: Fault) -> Iterator[str]:
    """What events.json says against faults.json."""
    mine = [event for event in run.events if event.details.get("fault") == fault.id]
    for kind in ("fault_begun", "fault_ended"):
        if not any(event.kind == kind for event in mine):
            yield f"events.json has no {kind} of it"
            return
    begun_s = min(event.t_s for event in mine if event.kind == "fault_begun")
    if fault.began_s is None or abs(begun_s - fault.began_s) > TOLD_APART_S:
        yield f"it began at {begun_s:.1f} s, says events.json, and faults.json {fault.began_s}"


def _not_replaced(fault: Fault) -> Iterator[str]:
    before, after = set(fault.before), set(fault.after)
    gone, came = before - after, after - before
    if not gone or (fault.is_out and before & after):
        yield "the same processes before and after"
    elif not came:
        yield "nothing came in place of what went"
    elif len(after) < len(before):
        yield f"{len(before)} processes before, {len(after)} after"
