"""The leader's round: once a tick, one transaction that looks after the whole street.

Baristas work on, ready orders get couriers, doors open and close, promises that cannot be kept
are revised before they run out, and crowds are announced. Whoever holds the lease inside the
transaction does it, so that everything happens once however many replicas there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

from sqlalchemy import Connection

from teashop.dispatch import assignment_rows, feed_rows, revision_rows, shop_rows
from teashop.dispatch.assignment_rows import Assignment
from teashop.dispatch.crier import Crier
from teashop.dispatch.notices import Notice
from teashop.dispatch.promises import Promise, eta_s, revised
from teashop.dispatch.shop_rows import Standing
from teashop.dispatch.shops import advance, crossed
from teashop.dispatch.street import Street

type Revision = tuple[Promise, Promise]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a round did.

    Attributes:
        led: whether this replica was the leader.
        standings: every shop after it.
        notices: how many went out, by kind (each counted once, not for each audience).
        revised: promises told anew.
    """

    led: bool
    standings: list[Standing]
    notices: Mapping[str, int] = field(default_factory=dict)
    revised: int = 0


class Rounds:
    """This replica's part in leading. One round at a time; remembers the demand it saw."""

    def __init__(
        self, street: Street, crier: Crier, *, me: str, lease_s: float, ahead_s: float
    ) -> None:
        self._street = street
        self._crier = crier
        self._me = me
        self._lease_s = lease_s
        self._ahead_s = ahead_s
        self._leading = False
        self._led = False
        self._unsent: list[Notice] = []

    def committed(self) -> None:
        """Say that what the last `run` did has been committed; without it, notices go out anew."""
        self._leading = self._led
        self._unsent.clear()

    def run(self, connection: Connection, now_s: float, refused: dict[str, float]) -> Report:
        """Go round if the lease allows; safe to repeat after a rollback.

        Args:
            refused: drinks this replica refused by shop since its last round, counted as demand.
        """
        led = feed_rows.hold_lease(
            connection, me=self._me, now_s=now_s, until_s=now_s + self._lease_s
        )
        shop_rows.add_offered(connection, refused)
        self._led = led
        if not led:
            self._unsent.clear()
            return Report(led=False, standings=shop_rows.shops(connection))
        standings = shop_rows.shops(connection, lock=True)
        if not self._leading:
            names = [s.shop.name for s in standings]
            self._crier.take_over({n for n in names if feed_rows.warned(connection, n)})
        standings, notices, passed = self._doors(standings, now_s)
        shop_rows.save_shops(connection, standings)
        due = assignment_rows.due(connection, now_s + self._ahead_s)
        standings, changed, revisions = self._orders(standings, due, now_s)
        shop_rows.save_shops(connection, standings)
        assignment_rows.save_progress(connection, changed)
        revision_rows.add(connection, now_s, revisions)
        feed_rows.add_passings(connection, passed, now_s)
        # The forecast remembers that it spoke: after a rollback its words must still go out.
        self._unsent += notices
        feed_rows.add_notices(connection, self._unsent)
        return Report(
            led=True,
            standings=standings,
            notices=Counter(n.kind for n in self._unsent if n.audience == "merchant"),
            revised=len(revisions),
        )

    def _doors(
        self, standings: Iterable[Standing], now_s: float
    ) -> tuple[list[Standing], list[Notice], list[str]]:
        """Let the baristas work, then look at each shop's door and at what is coming."""
        street = self._street
        after: list[Standing] = []
        notices: list[Notice] = []
        passed: list[str] = []
        for standing in standings:
            shop, passed_now = crossed(
                advance(standing.shop, now_s, street.rules, street.pace), street.rules
            )
            shop = replace(shop, demand_per_s=self._crier.measure(shop, now_s))
            shop, change = street.gate.swing(shop)
            if passed_now:
                passed.append(shop.name)
            if street.notices:
                notices += self._crier.hear(shop, now_s)
                if change is not None:
                    notices += street.door_notices(shop, change)
            after.append(replace(standing, shop=shop))
        return after, notices, passed

    def _orders(
        self, standings: list[Standing], due: list[tuple[Assignment, int]], now_s: float
    ) -> tuple[list[Standing], list[Assignment], list[Revision]]:
        """Hand ready orders to couriers and revise promises that will not be kept."""
        by_name = {s.shop.name: s for s in standings}
        changed: list[Assignment] = []
        revisions: list[Revision] = []
        for name, group in groupby(due, key=lambda pair: pair[0].shop):
            orders = list(group)
            ready = [a for a, _ in orders if a.finish <= by_name[name].shop.made]
            by_name[name], away = self._hand_over(by_name[name], ready, now_s)
            making = [(a, ahead - len(ready)) for a, ahead in orders[len(ready) :]]
            expected = [(a, a.delivered_at_s or now_s) for a in away]
            expected += [(a, self._arrives_at_s(by_name[name], a, n)) for a, n in making]
            for order, arrives_at_s in expected:
                promise = revised(
                    order.promise,
                    arrives_at_s=arrives_at_s,
                    now_s=now_s,
                    rules=self._street.promises,
                )
                if promise is not None:
                    revisions.append((order.promise, promise))
                    changed.append(replace(order, promise=promise))
                elif order.pickup_at_s is not None:
                    changed.append(order)
        return [by_name[s.shop.name] for s in standings], changed, revisions

    def _hand_over(
        self, standing: Standing, ready: list[Assignment], now_s: float
    ) -> tuple[Standing, list[Assignment]]:
        """Send a courier for each ready order of one shop."""
        rules = self._street.rules
        shop = standing.shop
        speed = rules.drinks_per_s * self._street.pace.at(shop.name, now_s)
        # When `made` passed the order's finish; the pace of now stands for that of the last tick.
        times = [max(a.accepted_at_s, now_s - (shop.made - a.finish) / speed) for a in ready]
        trip_s = self._street.promises.round_trip_s
        couriers, pickups = standing.couriers.send((t, trip_s) for t in times)
        away = [
            replace(a, pickup_at_s=p, delivered_at_s=p + self._street.promises.delivery_s)
            for a, p in zip(ready, pickups, strict=True)
        ]
        shop = replace(shop, waiting=max(0, shop.waiting - len(ready)))
        return Standing(shop=shop, couriers=couriers), away

    def _arrives_at_s(self, standing: Standing, order: Assignment, ahead: int) -> float:
        street = self._street
        return standing.shop.as_of_s + eta_s(
            standing.shop, standing.couriers, order.finish, ahead, street.rules, street.promises
        )
