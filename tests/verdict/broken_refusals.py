"""Who was sent away, and how, broken on purpose: refusals, rungs, priorities."""

from __future__ import annotations

from tests.verdict.broken_evidence import fault_not_proved
from tests.verdict.world import FAULT, NAN, Sabotage


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
    ("over-shedding", refuses_at_base_load, "fail"),
)
