"""Taking orders: one contract, held by SQLite and by PostgreSQL."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from teashop.dispatch import feed_rows, schema
from teashop.dispatch.desk import OtherOrder, Refused, Taken, UnknownShop
from teashop.dispatch.gate import Obstacle
from teashop.dispatch.settings import DispatchSettings
from teashop.serving.database import Database
from teashop.serving.settings import Common, Protections

NOW_S = 1_700_000_000.0


def taken(outcome: Taken | Refused) -> Taken:
    assert isinstance(outcome, Taken)
    return outcome


def test_an_order_gets_a_promise_later_than_its_estimate(dsn: str, replica: Callable) -> None:  # type: ignore[type-arg]
    one = replica(DispatchSettings(dsn=dsn))
    outcome = taken(one.desk.assign(one.ask("o1", drinks=6), NOW_S + 1))
    assert outcome.assignment.first_eta_s == pytest.approx(11.0)
    assert outcome.assignment.first_promised_s > outcome.assignment.first_eta_s
    assert outcome.standing is not None
    assert (outcome.standing.shop.queue, outcome.standing.shop.waiting) == (6, 1)


def test_asking_again_gives_the_first_answer_and_takes_nothing(
    dsn: str,
    replica: Callable,  # type: ignore[type-arg]
) -> None:
    one, other = (replica(DispatchSettings(dsn=dsn), me=me) for me in "ab")
    first = taken(one.desk.assign(one.ask("o1"), NOW_S + 1))
    again = taken(other.desk.assign(other.ask("o1"), NOW_S + 50))
    assert again.standing is None
    assert again.assignment == first.assignment
    assert other.desk.repeated(other.ask("o1")) == again
    assert sum(s.shop.waiting for s in other.desk.standings()) == 1


@pytest.mark.parametrize("change", [{"shop": "shop-2"}, {"drinks": 2}])
def test_an_order_id_stands_for_one_order(
    dsn: str,
    replica: Callable,  # type: ignore[type-arg]
    change: dict[str, object],
) -> None:
    one = replica(DispatchSettings(dsn=dsn))
    one.desk.assign(one.ask("o1"), NOW_S)
    with pytest.raises(OtherOrder):
        one.desk.assign(replace(one.ask("o1"), **change), NOW_S)


def test_a_shop_that_is_not_there_takes_nothing(dsn: str, replica: Callable) -> None:  # type: ignore[type-arg]
    one = replica(DispatchSettings(dsn=dsn))
    with pytest.raises(UnknownShop):
        one.desk.assign(one.ask("o1", shop="shop-99"), NOW_S)
    assert one.desk.repeated(one.ask("o1", shop="shop-99")) is None


def test_a_crowded_shop_pauses_tells_it_refuses_and_opens_again(
    dsn: str,
    replica: Callable,  # type: ignore[type-arg]
) -> None:
    one = replica(DispatchSettings(dsn=dsn, pace_variation=0.0))
    outcomes = [one.desk.assign(one.ask(f"o{i}", drinks=5), NOW_S) for i in range(20)]
    accepted = [o for o in outcomes if isinstance(o, Taken)]
    refused = [o for o in outcomes if isinstance(o, Refused)]
    assert len(accepted) == 15  # the queue reaches 75 drinks, where the shop pauses
    assert accepted[-1].told == ("paused",)
    assert {o.obstacle for o in refused} == {Obstacle.PAUSED}
    assert refused[0].behind_drinks == 33
    # After 33 drinks it opens with the next order, without waiting for a round.
    still = one.desk.assign(one.ask("early"), NOW_S + 5.4)
    assert isinstance(still, Refused)
    reopened = taken(one.desk.assign(one.ask("late"), NOW_S + 5.5))
    assert reopened.told == ("resumed",)
    feed = one.database.read(lambda c: feed_rows.notices(c, after_id=0, at_most=9))
    assert [(n.kind, n.audience) for n in feed] == [
        ("paused", "merchant"),
        ("paused", "courier"),
        ("resumed", "merchant"),
        ("resumed", "courier"),
    ]
    assert feed[0].eta_s == pytest.approx(5.5)
    passed = one.database.read(feed_rows.passings)
    assert [(shop, t) for shop, t in passed] == [("shop-1", NOW_S)]


def test_without_protections_everything_is_accepted_and_nobody_told(
    dsn: str,
    replica: Callable,  # type: ignore[type-arg]
) -> None:
    common = Common(service="dispatch", protections=Protections.all_off())
    one = replica(DispatchSettings(dsn=dsn, common=common))
    outcomes = [one.desk.assign(one.ask(f"o{i}", drinks=10), NOW_S) for i in range(30)]
    assert all(isinstance(o, Taken) for o in outcomes)
    assert one.desk.standings()[0].shop.queue == 300
    assert one.database.read(lambda c: feed_rows.notices(c, after_id=0, at_most=9)) == []
    assert len(one.database.read(feed_rows.passings)) == 1


def test_concurrent_requests_for_the_same_orders_assign_each_once(
    dsn: str,
    replica: Callable,  # type: ignore[type-arg]
) -> None:
    replicas = [replica(DispatchSettings(dsn=dsn), me=me) for me in "ab"]
    asked = [(one, f"o{i}") for i in range(12) for one in replicas * 2]
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(
            threads.map(lambda a: a[0].desk.assign(a[0].ask(a[1], drinks=2), NOW_S), asked)
        )
    fresh = Counter(o.assignment.order_id for o in map(taken, outcomes) if o.standing is not None)
    assert set(fresh.values()) == {1}
    assert len(fresh) == 12
    answers = {(o.assignment.order_id, o.assignment.first_promised_s) for o in map(taken, outcomes)}
    assert len(answers) == 12
    shop = replicas[0].desk.standings()[0].shop
    assert (shop.taken, shop.waiting) == (24, 12)


def test_one_order_for_two_shops_at_once_goes_to_one(
    dsn: str,
    replica: Callable,  # type: ignore[type-arg]
) -> None:
    one, other = (replica(DispatchSettings(dsn=dsn), me=me) for me in "ab")

    def outcome(of: tuple[object, str, int]) -> str:
        who, shop, i = of
        try:
            who.desk.assign(who.ask(f"o{i}", shop=shop), NOW_S)  # type: ignore[attr-defined]
        except OtherOrder:
            return "other"
        return "taken"

    work = [(w, s, i) for i in range(10) for w, s in ((one, "shop-1"), (other, "shop-2"))]
    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(outcome, work))
    assert Counter(said) == {"taken": 10, "other": 10}
    assert sum(s.shop.waiting for s in one.desk.standings()) == 10


def test_a_second_replica_opens_the_same_street(dsn: str, replica: Callable) -> None:  # type: ignore[type-arg]
    one = replica(DispatchSettings(dsn=dsn))
    one.desk.assign(one.ask("o1"), NOW_S)
    other = replica(DispatchSettings(dsn=dsn))
    assert other.desk.standings() == one.desk.standings()
    assert len(other.database.read(lambda c: c.execute(select(schema.shops.c.shop)).all())) == 8


@pytest.mark.parametrize("bad", ["sqlite://", "sqlite:///:memory:", "mysql://host/name"])
def test_a_database_that_replicas_cannot_share_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="dsn must"):
        Database(
            bad,
            connections=1,
            lock_timeout_s=1.0,
            attempts=1,
            rng=random.Random(1),
            name="dispatch",
        )
