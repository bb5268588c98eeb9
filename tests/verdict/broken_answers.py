"""What customers got, broken on purpose: goodput, critical classes, fairness, retries, wasted work."""

from __future__ import annotations

from tests.verdict.broken_evidence import metrics_blank
from tests.verdict.world import FAULT, NAN, Sabotage


def answers_late(w):
    for row in w.attempts("chat", status=(200,)):
        row["ended_s"] += 5.0


def answers_wrong(w):
    for row in w.attempts("chat", status=(200,)):
        row["right"] = False


def answers_short(w):
    for row in w.attempts("chat", status=(200,)):
        if row["rung"] == "full":
            row |= {"rung": "short", "sequence_s": 0.5}


def answers_from_the_cache(w):
    for row in w.attempts("chat", status=(200,)):
        row |= {"rung": "cache", "sequence_s": 0.0}


def sequence_seconds_not_told(w):
    for row in w.requests:
        row["sequence_s"] = 0.0


def more_work_claimed_than_done(w):
    for row in w.requests:
        row["sequence_s"] *= 1.5


def checkouts_fail(w):
    for row in w.attempts("checkout")[::10]:
        row |= {"status": 500, "order_id": ""}


def payments_fail(w):
    for row in w.attempts("payment")[::10]:
        row |= {"status": 0, "error": "timeout", "ended_s": NAN}


def nobody_checks_out_or_pays(w):
    kept = ("chat", "menu")
    w.requests = [r for r in w.requests if r["class"] in kept or r["intended_s"] < FAULT]


def nobody_asks_five_times(w):
    for n, row in enumerate(w.requests):
        row["user"] = f"u{n}" if row["attempt"] == 1 else row["user"]
    first = {row["request_id"]: row["user"] for row in w.requests if row["attempt"] == 1}
    for row in w.requests:
        row["user"] = first[row["request_id"]]


def always_the_same_users(w):
    for row in w.attempts("chat"):
        if int(row["user"][1:]) >= 12:
            row |= {"status": 0, "error": "timeout", "right": False}


def retries_at_once(w):
    extra = []
    for row in w.attempts("chat", status=(503,)):
        if row["final"]:
            row["final"] = False
            for i in (1, 2, 3):
                later = {name: row[name] + 0.01 * i for name in ("sent_s", "ended_s")}
                again = {"attempt": row["attempt"] + i, "final": i == 3, "honoured": False}
                extra.append(row | later | again)
    w.requests += extra


def work_for_nobody(w):
    w.metrics = [
        (*row[:5], row[5] * 2) if row[3] == "vllm:num_requests_running" else row
        for row in w.metrics
    ]


SABOTAGE: tuple[Sabotage, ...] = (
    ("goodput-retention", answers_late, "fail"),
    ("goodput-retention", answers_wrong, "fail"),
    ("goodput-retention", answers_short, "fail"),
    ("goodput-retention", answers_from_the_cache, "fail"),
    ("ai-utilisation", answers_late, "fail"),
    ("ai-utilisation", answers_from_the_cache, "unknown"),
    ("ai-utilisation", more_work_claimed_than_done, "unknown"),
    ("wasted-work", more_work_claimed_than_done, "unknown"),
    ("ai-utilisation", sequence_seconds_not_told, "unknown"),
    ("critical-success", checkouts_fail, "fail"),
    ("critical-success", nobody_checks_out_or_pays, "unknown"),
    ("critical-plus-success", payments_fail, "fail"),
    ("critical-plus-success", nobody_checks_out_or_pays, "unknown"),
    ("fairness", always_the_same_users, "fail"),
    ("fairness", nobody_asks_five_times, "unknown"),
    ("retry-amplification", retries_at_once, "fail"),
    ("wasted-work", work_for_nobody, "fail"),
    ("wasted-work", answers_late, "fail"),
    ("wasted-work", metrics_blank, "unknown"),
)
