"""What a verdict rests on, broken on purpose: the fault, the generator, the baseline, the rollback, K."""

from __future__ import annotations

from tests.verdict.world import END, FAULT, NAN, Sabotage


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


def servers_saw_half(w):
    w.metrics = [
        (*row[:5], row[5] / 2) if row[3] == "teashop_offered_total" else row for row in w.metrics
    ]


def surge_never_sent(w):
    w.plan["phases"][1]["chat_rps"] = 400.0


def metrics_blank(w):
    w.metrics.clear()


def metrics_end_at_the_fault(w):
    w.metrics = [row for row in w.metrics if row[0] < FAULT]


def generator_lags(w):
    for row in w.requests[::20]:
        if row["attempt"] == 1 and row["final"]:
            late = 0.05 - row["lag_s"]
            row |= {"lag_s": 0.05, "sent_s": row["sent_s"] + late, "ended_s": row["ended_s"] + late}


def generator_says_it_lagged(w):
    w.load["lag_p99_s"] = 0.02


def generator_out_of_cpu(w):
    w.load["cpu_share"] = 0.99


def machine_robbed(w):
    w.load["stolen_share"] = 0.4


def arrivals_unsent(w):
    for row in w.attempts("chat")[::20]:
        if row["attempt"] == 1 and row["final"]:
            row |= {"attempt": 0, "error": "unsent", "status": 0, "sent_s": NAN, "ended_s": NAN}


def arrivals_missing(w):
    w.requests = [row for row in w.requests if row["class"] != "menu"]


def payments_missing(w):
    w.requests = [row for row in w.requests if row["class"] != "payment"]
    w.load["absent"] = 3


def half_a_percent_lost(w):
    failed = [row["request_id"] for row in w.requests if row["rung"] == "ticket"][:40]
    w.requests = [row for row in w.requests if row["request_id"] not in set(failed)]


def more_absent_than_can_be(w):
    lost = {row["request_id"] for row in w.attempts("payment")[:30]}
    w.requests = [row for row in w.requests if row["request_id"] not in lost]
    w.load["absent"] = 9000


def generator_counted_otherwise(w):
    w.load["sent"] -= 500


def generator_had_another_plan(w):
    w.load["planned"] *= 2


def generator_cut_short(w):
    w.load["interrupted"] = True


def cpu_not_measured(w):
    w.load["cpu_share"] = 0.0


def lags_not_recorded(w):
    for row in w.requests:
        row["lag_s"] = NAN


def few_requests(w):
    keep = {row["request_id"] for row in w.attempts()[:100]}
    w.requests = [r for r in w.requests if r["phase"] != "fault" or r["request_id"] in keep]


def a_class_is_absent(w):
    w.requests = [r for r in w.requests if r["phase"] != "fault" or r["class"] != "payment"]


def bad_before_the_fault(w):
    for row in w.requests:
        if 10 < row["intended_s"] < FAULT and row["class"] == "chat":
            row["ended_s"] = row["sent_s"] + 9.0


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


def not_rolled_back(w):
    w.faults[0]["rolled_back"] = False


def capacity_below_theory(w):
    w.run["capacity"]["rps"] = 40.0


def theory_misquoted(w):
    w.run["capacity"]["theory_rps"] = 90.0


def capacity_by_nothing(w):
    w.run["capacity"]["steps"] = []


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
    ("offered-rate-reached", servers_saw_half, "fail"),
    ("offered-rate-reached", surge_never_sent, "fail"),
    ("offered-rate-reached", metrics_blank, "unknown"),
    ("offered-rate-reached", metrics_end_at_the_fault, "unknown"),
    ("generator-healthy", generator_lags, "fail"),
    ("generator-healthy", generator_says_it_lagged, "fail"),
    ("generator-healthy", generator_out_of_cpu, "fail"),
    ("generator-healthy", machine_robbed, "fail"),
    ("generator-healthy", arrivals_unsent, "fail"),
    ("generator-healthy", arrivals_missing, "fail"),
    ("generator-healthy", payments_missing, "fail"),
    ("generator-healthy", half_a_percent_lost, "fail"),
    ("generator-healthy", more_absent_than_can_be, "fail"),
    ("generator-healthy", generator_counted_otherwise, "fail"),
    ("generator-healthy", generator_had_another_plan, "fail"),
    ("generator-healthy", generator_cut_short, "fail"),
    ("generator-healthy", cpu_not_measured, "fail"),
    ("generator-healthy", lags_not_recorded, "unknown"),
    ("sample-size", few_requests, "unknown"),
    ("sample-size", a_class_is_absent, "fail"),
    ("baseline-sound", bad_before_the_fault, "fail"),
    ("baseline-sound", queue_grew_before_the_fault, "fail"),
    ("baseline-sound", a_replica_was_not_ready, "fail"),
    ("baseline-sound", one_replica_says_it_is_two, "fail"),
    ("baseline-sound", baseline_probe_failed, "fail"),
    ("baseline-sound", no_baseline_probe, "unknown"),
    ("baseline-sound", metrics_blank, "unknown"),
    ("rollback-proved", no_journal, "fail"),
    ("rollback-proved", rollback_not_played, "fail"),
    ("rollback-proved", not_rolled_back, "fail"),
    ("rollback-proved", fault_missing, "unknown"),
    ("capacity-sound", capacity_below_theory, "fail"),
    ("capacity-sound", theory_misquoted, "fail"),
    ("capacity-sound", capacity_by_nothing, "unknown"),
    ("capacity-sound", capacity_by_few_requests, "fail"),
    ("replicas-came-late", replicas_were_there, "fail"),
    ("replicas-came-late", replicas_never_came, "unknown"),
)
