"""Request logs that no run can have written: what is done to a good one, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable

from tests.verdict.world import NAN, World

LATER = 1e9


def a_row_twice(w):
    w.requests.append(dict(w.requests[40]))


def a_good_row_put_behind_a_failed_one(w):
    bad = w.attempts("payment")[3]
    good = dict(bad)
    bad |= {"status": 500, "final": False}
    w.requests.append(good)


def failures_without_a_time(w):
    for row in w.attempts("payment")[::10]:
        row |= {"status": 0, "error": "timeout", "intended_s": NAN}


def failures_after_the_end_of_time(w):
    for row in w.attempts("checkout")[::10]:
        row |= {"status": 0, "error": "timeout", "intended_s": LATER}


def failures_of_another_class(w):
    for row in w.attempts("payment")[::10]:
        row |= {"status": 0, "error": "timeout", "class": "paymemt"}


def failures_of_a_lower_level(w):
    for row in w.attempts("payment")[::10]:
        row |= {"status": 0, "error": "timeout", "criticality": "sheddable"}


def no_request_ids(w):
    for row in w.requests[:3]:
        row["request_id"] = ""


def answered_and_never_sent(w):
    w.requests[5]["attempt"] = 0


def a_status_of_its_own(w):
    w.requests[5]["status"] = 9200


def good_in_spite_of_an_error(w):
    w.requests[5]["error"] = "timeout"


def nothing_came_and_nothing_went_wrong(w):
    w.requests[5]["status"] = 0


def negative_work(w):
    w.requests[5]["sequence_s"] = -1.0


def no_time_of_sending(w):
    w.refusals()[0]["sent_s"] = NAN


def no_end_of_an_answer(w):
    for row in w.refusals():
        row["ended_s"] = NAN


def sent_tomorrow(w):
    w.requests[5] |= {"sent_s": 90_000.0, "ended_s": 90_000.1, "lag_s": 90_000.0}


def lags_made_up(w):
    for row in w.requests[::20]:
        row["sent_s"] += 0.04
        row["ended_s"] += 0.04


def an_attempt_hidden(w):
    again = next(row for row in w.requests if row["attempt"] == 2)
    again["attempt"] = 3


def only_the_second_attempt(w):
    again = next(row for row in w.requests if row["attempt"] == 2)
    w.requests = [
        row for row in w.requests if row["request_id"] != again["request_id"] or row["attempt"] == 2
    ]


def an_earlier_attempt_made_the_final_one(w):
    again = next(row for row in w.requests if row["attempt"] == 2)
    for row in w.requests:
        if row["request_id"] == again["request_id"]:
            row["final"] = row["attempt"] == 1


def nothing_final(w):
    w.requests[5]["final"] = False


def another_user_tried_again(w):
    next(row for row in w.requests if row["attempt"] == 2)["user"] = "somebody-else"


def tried_again_before_the_answer(w):
    next(row for row in w.requests if not row["final"])["ended_s"] += 3.0


def invited_without_an_invitation(w):
    for row in w.requests:
        row["honoured"] = row["attempt"] > 1
        if row["status"] in {429, 503}:
            row["retry_after_s"] = 6.0


def of_the_fault_by_its_name_only(w):
    for row in w.requests:
        if row["class"] == "chat" and row["phase"] == "after":
            row["phase"] = "fault"


def of_a_phase_that_no_plan_has(w):
    for row in w.attempts("payment")[:3]:
        row["phase"] = "storm"


CASES: tuple[tuple[Callable[[World], None], str], ...] = (
    (a_row_twice, "listed twice"),
    (a_good_row_put_behind_a_failed_one, "listed twice"),
    (failures_without_a_time, "at no time of the load"),
    (failures_after_the_end_of_time, "at no time of the load"),
    (failures_of_another_class, "plan.json does not name"),
    (failures_of_a_lower_level, "their class does not have"),
    (no_request_ids, "request_id is empty"),
    (answered_and_never_sent, "no attempt"),
    (a_status_of_its_own, "HTTP does not have"),
    (good_in_spite_of_an_error, "an answer and an error"),
    (nothing_came_and_nothing_went_wrong, "neither an answer nor an error"),
    (negative_work, "sequence seconds below 0"),
    (no_time_of_sending, "without a time of sending"),
    (no_end_of_an_answer, "no time of its end"),
    (sent_tomorrow, "long after the load"),
    (lags_made_up, "not from intended_s to sent_s"),
    (an_attempt_hidden, "not counted on from 1"),
    (only_the_second_attempt, "not counted on from 1"),
    (an_earlier_attempt_made_the_final_one, "final does not mark the last"),
    (nothing_final, "final does not mark the last"),
    (another_user_tried_again, "another user than their request"),
    (tried_again_before_the_answer, "before the one before them ended"),
    (invited_without_an_invitation, "claim to have waited"),
    (of_the_fault_by_its_name_only, "another phase than plan.json has"),
    (of_a_phase_that_no_plan_has, "another phase than plan.json has"),
)
