"""What customers got, broken on purpose: goodput, refusals, priorities, recovery, retries."""

from __future__ import annotations

from tests.verdict.broken_evidence import fault_not_proved, metrics_blank
from tests.verdict.world import END, FAULT, NAN, Sabotage


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


def refusals_slow(w):
    for row in w.refusals()[::20]:
        row["ended_s"] += 0.2


def nothing_refused(w):
    for row in w.refusals():
        row |= {"status": 0, "error": "timeout"}


def labels_stripped(w):
    for row in w.refusals()[::7]:
        row |= {"reason": "", "rung": ""}


def retry_after_stripped(w):
    bare = w.refusals()[::7]
    unasked = {row["request_id"] for row in bare}
    for row in bare:
        row["retry_after_s"] = NAN
    for row in w.requests:
        row["honoured"] = row["honoured"] and row["request_id"] not in unasked


def retry_after_zero(w):
    w.refusals()[0]["retry_after_s"] = 0.0


def checkout_on_a_rung(w):
    for row in w.attempts("checkout")[::3]:
        row["rung"] = "ticket"


def chat_on_no_rung(w):
    for row in w.attempts("chat", status=(200,))[::9]:
        row["rung"] = "none"


def a_row_is_not_visited(w):
    for row in w.attempts("menu"):
        row |= {"status": 0, "error": "timeout", "ended_s": NAN}


def priorities_swapped(w):
    for row in w.attempts("checkout"):
        row |= {"status": 503, "reason": "priority", "refused_for": "gateway", "order_id": ""}
        row |= {"retry_after_s": 2.0, "rung": "refused", "threshold": "3:0.5"}


def one_inversion_in_fifty(w):
    for row in w.attempts("payment")[::4]:
        row |= {"status": 503, "reason": "limit", "refused_for": "gateway", "threshold": ""}


def every_answer_from_elsewhere(w):
    for n, row in enumerate(w.requests):
        row["replica"] = f"gateway-x{n}"


def always_the_same_users(w):
    for row in w.attempts("chat"):
        if int(row["user"][1:]) >= 12:
            row |= {"status": 0, "error": "timeout", "right": False}


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


def refuses_at_base_load(w):
    for row in w.requests[::40]:
        if row["intended_s"] < FAULT:
            row |= {
                "status": 503,
                "reason": "limit",
                "refused_for": "gateway",
                "retry_after_s": 1.0,
            }


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
    ("critical-plus-success", payments_fail, "fail"),
    ("refusals-fast", refusals_slow, "fail"),
    ("refusals-fast", nothing_refused, "unknown"),
    ("refusals-labelled", labels_stripped, "fail"),
    ("refusals-labelled", nothing_refused, "unknown"),
    ("retry-after-present", retry_after_stripped, "fail"),
    ("retry-after-present", retry_after_zero, "fail"),
    ("retry-after-present", nothing_refused, "unknown"),
    ("degradation-contract", checkout_on_a_rung, "fail"),
    ("degradation-contract", chat_on_no_rung, "fail"),
    ("degradation-contract", retry_after_stripped, "fail"),
    ("degradation-contract", a_row_is_not_visited, "unknown"),
    ("degradation-contract", fault_not_proved, "unknown"),
    ("priority-order", priorities_swapped, "fail"),
    ("priority-order", one_inversion_in_fifty, "fail"),
    ("priority-order", every_answer_from_elsewhere, "unknown"),
    ("priority-order", nothing_refused, "unknown"),
    ("fairness", always_the_same_users, "fail"),
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
    ("retry-amplification", retries_at_once, "fail"),
    ("wasted-work", work_for_nobody, "fail"),
    ("wasted-work", answers_late, "fail"),
    ("wasted-work", metrics_blank, "unknown"),
    ("over-shedding", refuses_at_base_load, "fail"),
)
