"""What came after the fault, broken on purpose."""

from __future__ import annotations

from tests.verdict.broken_evidence import fault_not_proved, metrics_blank
from tests.verdict.world import END, Sabotage


def never_well_again(w):
    for row in w.requests:
        if row["intended_s"] >= END and row["class"] == "chat":
            row["ended_s"] = row["sent_s"] + 9.0


def relapses(w):
    for row in w.requests:
        if row["intended_s"] >= END and row["intended_s"] % 12 < 4 and row["class"] == "chat":
            row["status"] = 500


def slower_than_before(w):
    for row in w.requests:
        if row["intended_s"] >= END and row["class"] == "chat":
            row["ended_s"] += 1.0


def queue_stays(w):
    w.metrics = [
        (*row[:5], 30.0) if row[0] >= END and "waiting" in row[3] else row for row in w.metrics
    ]


def half_of_the_ai_unseen(w):
    w.metrics = [row for row in w.metrics if row[2] != "inference-1" or row[0] < END]


def demand_did_not_return(w):
    w.plan["phases"][2]["chat_rps"] = 20.0


def load_ends_with_the_fault(w):
    w.requests = [row for row in w.requests if row["intended_s"] < END + 8]
    w.plan["phases"][2]["end_s"] = END + 8


SABOTAGE: tuple[Sabotage, ...] = (
    ("recovery-time", never_well_again, "fail"),
    ("recovery-time", slower_than_before, "fail"),
    ("recovery-time", queue_stays, "fail"),
    ("recovery-time", demand_did_not_return, "fail"),
    ("recovery-time", half_of_the_ai_unseen, "unknown"),
    ("recovery-time", load_ends_with_the_fault, "unknown"),
    ("recovery-time", metrics_blank, "unknown"),
    ("recovery-time", fault_not_proved, "unknown"),
    ("recovery-held", relapses, "fail"),
    ("recovery-held", never_well_again, "fail"),
    ("recovery-held", load_ends_with_the_fault, "unknown"),
)
