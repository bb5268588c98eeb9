"""What a verdict rests on, broken on purpose: the load that was offered, and who offered it."""

from __future__ import annotations

from tests.verdict.world import FAULT, NAN, Sabotage


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


SABOTAGE: tuple[Sabotage, ...] = (
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
)
