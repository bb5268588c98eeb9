"""What was written down, broken on purpose: orders, coupons, refusals, notices, promises."""

from __future__ import annotations

from tests.verdict.broken_evidence import metrics_blank
from tests.verdict.world import Sabotage


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


def nothing_was_acknowledged(w):
    for row in w.requests:
        if row["class"] == "checkout":
            row |= {"status": 409, "order_id": ""}


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


SABOTAGE: tuple[Sabotage, ...] = (
    ("ledger-no-loss", an_order_is_deleted, "fail"),
    ("ledger-no-loss", an_order_lies_under_another_key, "fail"),
    ("ledger-no-loss", a_settled_order_is_gone, "fail"),
    ("ledger-no-loss", nobody_asked_what_became_of_it, "unknown"),
    ("ledger-no-loss", nothing_was_acknowledged, "unknown"),
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
)
