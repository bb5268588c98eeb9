"""What a verdict rests on, broken on purpose: the fault, the baseline, the rollback, K."""

from __future__ import annotations

from tests.verdict.broken_load import metrics_blank
from tests.verdict.world import END, FAULT, Sabotage


def fault_not_proved(w):
    w.faults[0]["proved"] = False


def fault_missing(w):
    w.faults.clear()


def same_processes_after_a_loss(w):
    who = {"replica": "inference-0", "pid": 7, "started": 1.5}
    w.faults[0] |= {"kind": "replica-loss", "before": [who], "after": [who]}


def nothing_came_for_what_went(w):
    who = {"replica": "inference-0", "pid": 7, "started": 1.5}
    w.faults[0] |= {"kind": "replica-loss", "before": [who], "after": []}


def one_of_two_came_back(w):
    who = [{"replica": f"inference-{i}", "pid": i, "started": 1.5} for i in range(3)]
    w.faults[0] |= {"kind": "replica-loss", "before": who[:2], "after": who[2:]}


def nobody_saw_anything(w):
    w.faults[0]["evidence"] = ""


def a_fault_was_left_out(w):
    told = {"id": "replica-loss-orders-2", "proved": True}
    row = {"activity": {"name": "lose"}, "status": "succeeded", "output": told}
    w.journal["run"].append(row)


def not_proved_when_it_ended(w):
    told = {"id": "surge-1", "proved": False}
    row = {"activity": {"name": "surge"}, "status": "succeeded", "output": told}
    w.journal["run"].append(row)


def events_know_of_no_fault(w):
    w.events = w.events[2:]


def events_know_another_time(w):
    w.events[0]["t_s"] = FAULT - 8


def surge_watched_for_a_moment(w):
    w.faults[0]["ended_s"] = FAULT + 2


def surge_over_long_after(w):
    w.faults[0]["ended_s"] = END + 15


def before_the_crowd_came(w):
    w.faults[0] |= {"kind": "hang", "began_s": 5.0}


def bad_before_the_fault(w):
    for row in w.requests:
        if 10 < row["intended_s"] < FAULT and row["class"] == "chat":
            row["ended_s"] = row["sent_s"] + 9.0


def some_came_twice_before_the_fault(w):
    """Everybody is served in time in the end, one in ten after having been sent away once."""
    again = []
    for row in w.requests:
        if 7 < row["intended_s"] < FAULT - 2 and row["class"] == "chat" and len(again) < 40:
            first = {"status": 503, "reason": "limit", "refused_for": "gateway", "final": False}
            first |= {"retry_after_s": 1.0, "rung": "refused", "ended_s": row["sent_s"] + 0.01}
            again.append(row | first | {"sequence_s": 0.0, "right": False})
            row |= {"attempt": 2, "sent_s": row["sent_s"] + 1.1, "ended_s": row["ended_s"] + 1.1}
    w.requests += again


def queue_grew_before_the_fault(w):
    w.metrics = [
        (*row[:5], max(0.0, 10 * (row[0] - 6))) if "waiting" in row[3] else row for row in w.metrics
    ]


def a_replica_was_not_ready(w):
    w.metrics = [row for row in w.metrics if row[2] != "orders-1"]


def one_replica_says_it_is_two(w):
    w.metrics = [
        (*row[:5], 2.0) if row[2:4] == ("orders-0", "teashop_ready") else row
        for row in w.metrics
        if row[2] != "orders-1"
    ]


def baseline_probe_failed(w):
    w.journal["run"][0]["status"] = "failed"


def no_baseline_probe(w):
    w.journal["run"][0]["activity"]["name"] = "something-else"


def rollback_not_played(w):
    w.journal["experiment"] = {"rollbacks": [{"name": "roll-faults-back"}]}


def no_journal(w):
    w.journal = {"status": "failed", "run": [], "rollbacks": [], "steady_states": {}}
    w.journal["rollbacks"] = [{"activity": {"name": "heal"}, "status": "failed"}]


def a_process_was_left_behind(w):
    w.events.append({"t_s": 90.0, "kind": "left_behind", "what": "orders-1 (pid 7)"})


def not_rolled_back(w):
    w.faults[0]["rolled_back"] = False


def capacity_below_theory(w):
    w.run["capacity"]["rps"] = 40.0


def theory_misquoted(w):
    w.run["capacity"]["theory_rps"] = 90.0


def capacity_by_nothing(w):
    w.run["capacity"]["steps"] = []


def capacity_by_bad_answers(w):
    w.run["capacity"]["good_share"] = 0.9


def capacity_by_few_requests(w):
    w.run["capacity"]["steps"][0]["samples"] = 50


def replicas_were_there(w):
    w.events[2]["t_s"] = FAULT - 1


def replicas_never_came(w):
    del w.events[2]


SABOTAGE: tuple[Sabotage, ...] = (
    ("fault-proved", fault_not_proved, "fail"),
    ("fault-proved", fault_missing, "unknown"),
    ("fault-proved", same_processes_after_a_loss, "fail"),
    ("fault-proved", nothing_came_for_what_went, "fail"),
    ("fault-proved", one_of_two_came_back, "fail"),
    ("fault-proved", nobody_saw_anything, "fail"),
    ("fault-proved", a_fault_was_left_out, "fail"),
    ("fault-proved", not_proved_when_it_ended, "fail"),
    ("fault-proved", events_know_of_no_fault, "fail"),
    ("fault-proved", events_know_another_time, "fail"),
    ("fault-proved", surge_watched_for_a_moment, "fail"),
    ("fault-proved", surge_over_long_after, "fail"),
    ("fault-proved", before_the_crowd_came, "fail"),
    ("baseline-sound", bad_before_the_fault, "fail"),
    ("baseline-sound", some_came_twice_before_the_fault, "fail"),
    ("baseline-sound", queue_grew_before_the_fault, "fail"),
    ("baseline-sound", a_replica_was_not_ready, "fail"),
    ("baseline-sound", one_replica_says_it_is_two, "fail"),
    ("baseline-sound", baseline_probe_failed, "fail"),
    ("baseline-sound", no_baseline_probe, "unknown"),
    ("baseline-sound", metrics_blank, "unknown"),
    ("rollback-proved", no_journal, "fail"),
    ("rollback-proved", rollback_not_played, "fail"),
    ("rollback-proved", a_process_was_left_behind, "fail"),
    ("rollback-proved", not_rolled_back, "fail"),
    ("rollback-proved", fault_missing, "unknown"),
    ("capacity-sound", capacity_below_theory, "fail"),
    ("capacity-sound", theory_misquoted, "fail"),
    ("capacity-sound", capacity_by_nothing, "unknown"),
    ("capacity-sound", capacity_by_bad_answers, "fail"),
    ("capacity-sound", capacity_by_few_requests, "fail"),
    ("replicas-came-late", replicas_were_there, "fail"),
    ("replicas-came-late", replicas_never_came, "unknown"),
)
