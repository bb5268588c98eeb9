"""Replicas that end although no declared fault ends them, by themselves or by another's hand."""

from __future__ import annotations

from tests.verdict.world import END, FAULT, Sabotage

AT = FAULT + 5.0


def event(kind: str, replica: str, *, t_s: float = AT, detail: str = "", uid: str = "") -> dict:
    """A row of events.json; the service is the first word of the replica's name."""
    row = {"t_s": t_s, "kind": kind, "service": replica.partition("-")[0], "replica": replica}
    return row | ({"detail": detail} if detail else {}) | ({"uid": uid} if uid else {})


def a_replica_crashed(w):
    w.events.append(event("replica_gone", "orders-1", detail="exit 1"))


def a_process_was_aborted(w):
    w.events.append(event("replica_gone", "gateway-1", detail="exit -6"))


def a_container_ran_out_of_memory(w):
    w.events.append(
        event("replica_restarted", "inference-1", detail="OOMKilled, exit 137", uid="a/1")
    )


def one_crashed_while_another_was_lost(w):
    """The fault is declared for inference; that orders fell over is no part of it."""
    who = [{"replica": f"inference-{i}", "pid": i, "started": 1.5} for i in range(3)]
    w.faults[0] |= {"kind": "replica-loss", "before": who[:2], "after": who[1:]}
    w.faults[0] |= {"planned": {"signal": "KILL", "count": 1}}
    w.events.append(event("replica_gone", "inference-0", t_s=FAULT + 0.1, detail="exit -9"))
    w.events.append(event("replica_gone", "orders-1", detail="exit 1"))


def a_container_crashed_while_its_node_was_drained(w):
    w.faults[0] |= {"kind": "node-drain", "service": "gateway", "planned": {"node": None}}
    w.events.append(event("replica_restarted", "orders-0", detail="Error, exit 1", uid="a/1"))


def a_process_began_anew_and_no_event_tells(w):
    w.metrics += [
        (t, "orders", "orders-1", "process_start_time_seconds", "", 1e9 + (60.0 if t > AT else 0.0))
        for t in range(60)
    ]


def nothing_tells_of_replicas(w):
    w.events = w.events[:2]


def killed_by_a_stranger(w):
    w.events.append(event("replica_gone", "orders-1", detail="exit -9"))


def evicted_by_its_node(w):
    w.events.append(event("replica_gone", "orders-1", detail="TerminationByKubelet", uid="a/0"))


def drained_by_somebody_else(w):
    w.events += [
        event("replica_unready", "orders-1", detail="stopping", uid="a/0"),
        event("replica_gone", "orders-1", t_s=AT + 9, detail="EvictionByEvictionAPI", uid="a/0"),
    ]


def deleted_by_hand(w):
    w.events += [
        event("replica_unready", "orders-1", detail="stopping", uid="a/0"),
        event("replica_started", "orders-2", t_s=AT + 0.4, uid="b/0"),
        event("replica_gone", "orders-1", t_s=AT + 9, detail="Completed, exit 0", uid="a/0"),
    ]


def two_died_and_one_was_asked_for(w):
    who = [{"replica": f"inference-{i}", "pid": i, "started": 1.5} for i in range(4)]
    w.faults[0] |= {"kind": "replica-loss", "before": who[:2], "after": who[2:]}
    w.faults[0] |= {"planned": {"signal": "KILL", "count": 1}}
    w.events += [
        event("replica_gone", f"inference-{i}", t_s=FAULT + 1 + i, detail="exit -9") for i in (0, 1)
    ]


def died_again_after_it_was_healed(w):
    w.faults[0] |= {"kind": "crash", "ended_s": FAULT + 3, "healed_s": FAULT + 6}
    w.events[1]["t_s"] = FAULT + 3
    w.events += [
        event("replica_restarted", "inference-0", t_s=t, detail="Error, exit 1", uid="a/1")
        for t in (FAULT + 1, END + 5)
    ]


SABOTAGE: tuple[Sabotage, ...] = (
    ("replicas-lived", a_replica_crashed, "fail"),
    ("replicas-lived", a_process_was_aborted, "fail"),
    ("replicas-lived", a_container_ran_out_of_memory, "fail"),
    ("replicas-lived", one_crashed_while_another_was_lost, "fail"),
    ("replicas-lived", a_container_crashed_while_its_node_was_drained, "fail"),
    ("replicas-lived", a_process_began_anew_and_no_event_tells, "fail"),
    ("replicas-lived", died_again_after_it_was_healed, "fail"),
    ("replicas-lived", nothing_tells_of_replicas, "unknown"),
    ("fault-proved", killed_by_a_stranger, "fail"),
    ("fault-proved", evicted_by_its_node, "fail"),
    ("fault-proved", drained_by_somebody_else, "fail"),
    ("fault-proved", deleted_by_hand, "fail"),
    ("fault-proved", two_died_and_one_was_asked_for, "fail"),
)
