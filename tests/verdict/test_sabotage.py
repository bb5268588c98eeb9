"""For every check: the thing it guards is broken on purpose, and the run does not hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from teastorm.verdict.registry import known_ids

type World = object
FAULT, END, NAN = 17.0, 37.0, float("nan")


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


def an_order_is_deleted(w):
    del w.ledger["orders"][400]


def an_order_lies_under_another_key(w):
    w.ledger["orders"][400]["key"] = "somebody-else"


def a_settled_order_is_gone(w):
    w.ledger["settled"] = [{"key": "k1", "request_id": "r1", "status": 201, "order_id": "o-gone"}]


def nobody_asked_what_became_of_it(w):
    w.attempts("checkout")[3] |= {"status": 0, "error": "timeout", "order_id": ""}


def an_order_is_doubled(w):
    w.ledger["orders"].append(w.ledger["orders"][5] | {"order_id": "o-second"})


def an_order_is_made_twice(w):
    w.ledger["assignments"].append(w.ledger["assignments"][5])


def an_order_that_nobody_asked_for(w):
    w.ledger["orders"].append(w.ledger["orders"][5] | {"order_id": "o-ghost", "key": "k-ghost"})


def an_assignment_of_no_order(w):
    w.ledger["assignments"].append(w.ledger["assignments"][5] | {"order_id": "o-ghost"})


def no_orders(w):
    w.ledger["orders"].clear()


def coupons_oversold(w):
    w.ledger["coupons"]["budget"] = 90


def coupon_counter_disagrees(w):
    w.ledger["coupons"]["spent"] = 70


def refused_for_no_known_reason(w):
    for row in w.refusals()[::30]:
        row["reason"] = "because"


def refusals_nobody_counted(w):
    w.metrics = [
        (*row[:5], row[5] / 2) if row[3] == "teashop_refused_total" else row for row in w.metrics
    ]


def refused_and_booked_all_the_same(w):
    row = w.attempts("checkout")[3]
    row |= {"status": 503, "reason": "limit", "refused_for": "gateway", "retry_after_s": 2.0}
    row |= {"order_id": "", "rung": "refused"}


def notice_too_late(w):
    w.ledger["notices"][0]["t_s"] = 30.0


def notice_withdrawn_too_soon(w):
    w.ledger["notices"].append({"t_s": 20.0, "kind": "withdrawn", "shop": "shop-1"})


def notice_names_no_time(w):
    w.ledger["notices"][0]["eta_s"] = None


def false_alarms(w):
    shops = [f"shop-{i}" for i in range(2, 9)]
    w.ledger["notices"] += [w.ledger["notices"][0] | {"shop": shop} for shop in shops]


def passings_not_recorded(w):
    del w.ledger["passings"]


def promises_broken(w):
    for row in w.ledger["assignments"][::10]:
        row["kept"] = False


def promises_all_open(w):
    for row in w.ledger["assignments"]:
        row["kept"] = None


def refuses_at_base_load(w):
    for row in w.requests[::40]:
        if row["intended_s"] < FAULT:
            row |= {
                "status": 503,
                "reason": "limit",
                "refused_for": "gateway",
                "retry_after_s": 1.0,
            }


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


SABOTAGE: tuple[tuple[str, Callable[[World], None], str], ...] = (
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
    ("ledger-no-loss", an_order_is_deleted, "fail"),
    ("ledger-no-loss", an_order_lies_under_another_key, "fail"),
    ("ledger-no-loss", a_settled_order_is_gone, "fail"),
    ("ledger-no-loss", nobody_asked_what_became_of_it, "unknown"),
    ("ledger-no-double", an_order_is_doubled, "fail"),
    ("ledger-no-double", an_order_is_made_twice, "fail"),
    ("ledger-no-double", an_order_that_nobody_asked_for, "fail"),
    ("ledger-no-double", an_assignment_of_no_order, "fail"),
    ("ledger-no-double", no_orders, "unknown"),
    ("coupon-budget", coupons_oversold, "fail"),
    ("coupon-budget", coupon_counter_disagrees, "fail"),
    ("coupon-budget", no_orders, "unknown"),
    ("refusals-explained", refused_for_no_known_reason, "fail"),
    ("refusals-explained", refusals_nobody_counted, "fail"),
    ("refusals-explained", refused_and_booked_all_the_same, "fail"),
    ("refusals-explained", metrics_blank, "unknown"),
    ("notice-lead-time", notice_too_late, "fail"),
    ("notice-lead-time", notice_withdrawn_too_soon, "fail"),
    ("notice-lead-time", notice_names_no_time, "fail"),
    ("notice-lead-time", false_alarms, "fail"),
    ("notice-lead-time", passings_not_recorded, "unknown"),
    ("promises-kept", promises_broken, "fail"),
    ("promises-kept", promises_all_open, "unknown"),
    ("over-shedding", refuses_at_base_load, "fail"),
    ("capacity-sound", capacity_below_theory, "fail"),
    ("capacity-sound", theory_misquoted, "fail"),
    ("capacity-sound", capacity_by_nothing, "unknown"),
    ("capacity-sound", capacity_by_few_requests, "fail"),
    ("replicas-came-late", replicas_were_there, "fail"),
    ("replicas-came-late", replicas_never_came, "unknown"),
)


@pytest.mark.parametrize(
    ("check_id", "break_it", "expected"),
    [pytest.param(*case, id=f"{case[0]}-{case[1].__name__}") for case in SABOTAGE],
)
def test_broken_on_purpose_is_seen(check_id, break_it, expected, protected, status_of):
    break_it(protected)

    assert status_of(protected, check_id) == expected


def test_every_check_is_sabotaged():
    assert {case[0] for case in SABOTAGE} == set(known_ids())
