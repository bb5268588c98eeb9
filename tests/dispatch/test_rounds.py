"""The leader's rounds: couriers, revisions, the lease; on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from teashop.dispatch import assignment_rows, feed_rows, schema
from teashop.dispatch.assignment_rows import Assignment
from teashop.dispatch.books import Books
from teashop.dispatch.desk import Taken
from teashop.dispatch.promises import kept
from teashop.dispatch.settings import DispatchSettings
from teashop.serving.settings import Common, Protections

NOW_S = 1_700_000_000.0
TICK_S = 0.25
type Open = Callable  # type: ignore[type-arg]  # conftest's Replica is no importable name


def all_assignments(one: object) -> list[Assignment]:
    found: list[Assignment] = one.database.read(assignment_rows.every)  # type: ignore[attr-defined]
    return found


def rounds(one: object, *, from_s: float, to_s: float) -> int:
    """Tick between two moments; how many promises were revised."""
    ticks = round((to_s - from_s) / TICK_S)
    return sum(
        one.go_round(NOW_S + from_s + i * TICK_S).revised  # type: ignore[attr-defined]
        for i in range(1, ticks + 1)
    )


def test_ready_orders_get_couriers_and_arrive_as_promised(dsn: str, replica: Open) -> None:
    one = replica(DispatchSettings(dsn=dsn, pace_variation=0.0))
    for i in range(4):
        one.desk.assign(one.ask(f"o{i}", drinks=6), NOW_S)
    rounds(one, from_s=0, to_s=5)
    orders = all_assignments(one)
    assert [a.pickup_at_s for a in orders] == pytest.approx([NOW_S + i for i in (1, 2, 3, 4)])
    assert [a.delivered_at_s for a in orders] == pytest.approx(
        [NOW_S + 10 + i for i in (1, 2, 3, 4)]
    )
    assert one.desk.standings()[0].shop.waiting == 0
    assert one.desk.standings()[0].couriers.away(NOW_S + 5) == 4
    done = [kept(a.promise, delivered_at_s=a.delivered_at_s, now_s=NOW_S + 99) for a in orders]
    assert done == [True] * 4


def test_no_more_couriers_are_out_than_there_are(dsn: str, replica: Open) -> None:
    one = replica(DispatchSettings(dsn=dsn, couriers_per_shop=2))
    for i in range(10):
        one.desk.assign(one.ask(f"o{i}"), NOW_S)
    rounds(one, from_s=0, to_s=6)
    trips = [a.pickup_at_s for a in all_assignments(one) if a.pickup_at_s is not None]
    assert len(trips) == 10
    for moment in trips:
        assert sum(1 for p in trips if p <= moment < p + 15.0 - 1e-6) <= 2


def test_a_slow_street_revises_before_promises_end(dsn: str, replica: Open) -> None:
    """Nothing is promised on top of the plan, and the baristas are up to half slower."""
    settings = DispatchSettings(
        dsn=dsn, pace_variation=0.5, promise_margin=0.0, promise_slack_minutes=0.5
    )
    one = replica(settings)
    for shop in settings.shop_names:
        for i in range(14):
            one.desk.assign(one.ask(f"{shop}/{i}", shop=shop, drinks=5), NOW_S)
    revised = rounds(one, from_s=0, to_s=40)
    orders = all_assignments(one)
    assert revised > 0
    assert sum(a.promise.revisions for a in orders) == revised
    written = one.database.read(lambda c: c.execute(select(schema.revisions)).all())
    assert len(written) == revised
    told = Books(one.database, one.street)
    feed = told.revisions(0)
    assert [entry["id"] for entry in feed] == sorted(row.id for row in written)
    # Each entry tells the promise as it stands, so the last one read of an order is the truth.
    stands = {a.order_id: (a.promise.promised_at_s, a.promise.revisions) for a in orders}
    for entry in feed:
        assert (entry["promised_at"], entry["revisions"]) == (
            pytest.approx(stands[entry["order_id"]][0], abs=0.001),
            stands[entry["order_id"]][1],
        )
    assert told.revisions(feed[0]["id"]) == feed[1:]
    assert told.revisions(feed[-1]["id"]) == []
    assert all(row.t_unix_s < row.from_s < row.to_s for row in written)
    done = [kept(a.promise, delivered_at_s=a.delivered_at_s, now_s=NOW_S + 99) for a in orders]
    assert done == [True] * len(orders)


def test_an_absence_breaks_promises_and_says_so(dsn: str, replica: Open) -> None:
    one = replica(DispatchSettings(dsn=dsn))
    one.desk.assign(one.ask("o1"), NOW_S)
    one.go_round(NOW_S + 60.0)
    order = all_assignments(one)[0]
    assert order.promise.late
    assert kept(order.promise, delivered_at_s=order.delivered_at_s, now_s=NOW_S + 99) is False


def test_one_of_two_replicas_leads_and_the_other_follows_when_it_is_gone(
    dsn: str, replica: Open
) -> None:
    settings = DispatchSettings(dsn=dsn)
    one, other = (replica(settings, me=me) for me in "ab")
    assert one.go_round(NOW_S).led
    assert not other.go_round(NOW_S + 0.1).led
    assert one.go_round(NOW_S + 0.25).led
    assert not other.go_round(NOW_S + 0.25 + settings.lease_s).led
    assert other.go_round(NOW_S + 0.26 + settings.lease_s).led
    assert not one.go_round(NOW_S + 0.3 + settings.lease_s).led


def test_a_lease_given_back_is_taken_at_once(dsn: str, replica: Open) -> None:
    one, other = (replica(DispatchSettings(dsn=dsn), me=me) for me in "ab")
    one.go_round(NOW_S)
    other.database.write(lambda c: feed_rows.release_lease(c, me="b"))
    assert not other.go_round(NOW_S + 0.1).led
    one.database.write(lambda c: feed_rows.release_lease(c, me="a"))
    assert other.go_round(NOW_S + 0.2).led


def overrun(one: object, *, from_s: float, to_s: float, order: str) -> list[int]:
    """Two capacities of demand at one shop, a round each tick; crowds told in each."""
    told = []
    for i in range(round((to_s - from_s) / TICK_S)):
        now_s = NOW_S + from_s + i * TICK_S
        one.desk.assign(one.ask(f"{order}{i}", drinks=3), now_s)  # type: ignore[attr-defined]
        told.append(one.go_round(now_s + 0.01).notices.get("crowd", 0))  # type: ignore[attr-defined]
    return told


def test_a_crowd_is_told_once_though_the_leader_changes(dsn: str, replica: Open) -> None:
    one, other = (replica(DispatchSettings(dsn=dsn), me=me) for me in "ab")
    assert sum(overrun(one, from_s=0, to_s=8, order="a")) == 1
    # The leader is gone; the next one sees the same crowd.
    assert sum(overrun(other, from_s=11, to_s=19, order="b")) == 0
    feed = other.database.read(lambda c: feed_rows.notices(c, after_id=0, at_most=99))
    assert [n.audience for n in feed if n.kind == "crowd"] == ["merchant", "courier"]


def test_a_round_that_was_rolled_back_says_its_notices_in_the_next(dsn: str, replica: Open) -> None:
    one = replica(DispatchSettings(dsn=dsn))

    one.go_round(NOW_S)
    now_s, spoke = NOW_S, 0
    while not spoke:
        now_s += TICK_S
        assert now_s < NOW_S + 15
        one.desk.assign(one.ask(f"o{now_s}", drinks=3), now_s)
        with one.database.engine.connect() as connection:
            spoke = one.rounds.run(connection, now_s + 0.01, {}).notices.get("crowd", 0)
            connection.rollback()
    assert crowds_in_feed(one) == 0
    one.go_round(now_s + 0.03)
    assert crowds_in_feed(one) == 2  # merchants and couriers
    one.go_round(now_s + 0.04)
    assert crowds_in_feed(one) == 2


def crowds_in_feed(one: object) -> int:
    feed = one.database.read(  # type: ignore[attr-defined]
        lambda c: feed_rows.notices(c, after_id=0, at_most=99)
    )
    return sum(1 for n in feed if n.kind == "crowd")


def test_refused_demand_counts_for_the_forecast(dsn: str, replica: Open) -> None:
    one = replica(DispatchSettings(dsn=dsn))
    for i in range(40):
        one.go_round(NOW_S + i * TICK_S, {"shop-3": 2.0})
    shops = {s.shop.name: s.shop for s in one.desk.standings()}
    assert shops["shop-3"].offered == 80
    assert shops["shop-3"].demand_per_s == pytest.approx(8.0, rel=0.15)
    assert shops["shop-1"].demand_per_s == 0


def test_without_notices_nobody_is_told(dsn: str, replica: Open) -> None:
    protections = replace(Protections(), notices=False)
    common = Common(service="dispatch", protections=protections)
    one = replica(DispatchSettings(dsn=dsn, common=common))
    assert sum(overrun(one, from_s=0, to_s=15, order="a")) == 0
    assert one.database.read(lambda c: feed_rows.notices(c, after_id=0, at_most=9)) == []
    assert one.database.read(feed_rows.passings)


def test_a_paused_shop_resumes_without_anybody_asking(dsn: str, replica: Open) -> None:
    one = replica(DispatchSettings(dsn=dsn))
    outcomes = [one.desk.assign(one.ask(f"o{i}", drinks=5), NOW_S) for i in range(15)]
    assert all(isinstance(o, Taken) for o in outcomes)
    assert one.go_round(NOW_S + 1).standings[0].shop.paused
    report = one.go_round(NOW_S + 7)
    assert not report.standings[0].shop.paused
    assert report.notices["resumed"] == 1
