"""The desk: takes an order for a shop or says why not, in one short transaction.

Blocks on the database: call it from worker threads. Safe to share between threads and, through
the database, between replicas.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from teashop.dispatch import assignment_rows, feed_rows, shop_rows
from teashop.dispatch.assignment_rows import Assignment
from teashop.dispatch.gate import Obstacle
from teashop.dispatch.promises import Promise, eta_s, promised_s
from teashop.dispatch.schema import metadata
from teashop.dispatch.shop_rows import Standing
from teashop.dispatch.shops import accept, advance, crossed
from teashop.dispatch.street import Street
from teashop.serving.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What orders wants: an order made at a shop and brought to its customer."""

    order_id: str
    shop: str
    drinks: int
    placed_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """The order has a shop and a promise.

    Attributes:
        standing: the shop with the order in it; None when the order was taken before.
        told: kinds of the notices that went out with it.
    """

    assignment: Assignment
    standing: Standing | None
    told: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The shop takes no more for now; it has to make `behind_drinks` first."""

    obstacle: Obstacle
    standing: Standing
    behind_drinks: float


class UnknownShop(Exception):
    """No shop of that name is on the street."""


class OtherOrder(Exception):
    """The order id was used before, for something else."""


class Desk:
    """Assignments on one street."""

    def __init__(self, database: Database, street: Street) -> None:
        self._database = database
        self._street = street

    def prepare(self, now_s: float) -> None:
        """Create the tables, the shops and the lease where they are missing."""
        street = self._street

        def fill(connection: Connection) -> None:
            shop_rows.open_shops(connection, street.names, street.couriers_per_shop, now_s)
            feed_rows.open_lease(connection)

        self._database.create(metadata, fill)

    def standings(self) -> list[Standing]:
        """Every shop as the database has it."""
        return self._database.read(shop_rows.shops)

    def repeated(self, asked: Asked) -> Taken | None:
        """The answer that this order got before, if any; waits for no writer.

        Raises:
            OtherOrder: it was for something else.
        """
        found = self._database.read(lambda c: assignment_rows.assignment(c, asked.order_id))
        return None if found is None else _again(found, asked)

    def assign(self, asked: Asked, now_s: float) -> Taken | Refused:
        """Take an order, or refuse it; asking again gives the first answer.

        Raises:
            UnknownShop, OtherOrder: the caller's mistakes.
            DatabaseUnavailable: try later.
        """
        try:
            return self._database.write(lambda c: self._assign(c, asked, now_s))
        except IntegrityError:
            # Two replicas took the same order for two shops at once: the other one was first.
            again = self.repeated(asked)
            if again is None:
                raise
            return again

    def _assign(self, connection: Connection, asked: Asked, now_s: float) -> Taken | Refused:
        street = self._street
        standing = shop_rows.shop(connection, asked.shop, lock=True)
        if standing is None:
            raise UnknownShop(asked.shop)
        # After the lock, so that a concurrent request for the same order is either seen or waits.
        found = assignment_rows.assignment(connection, asked.order_id)
        if found is not None:
            return _again(found, asked)
        shop, opened = street.gate.swing(advance(standing.shop, now_s, street.rules, street.pace))
        obstacle = street.gate.obstacle(shop, asked.drinks)
        if obstacle is not None:
            return Refused(
                obstacle=obstacle,
                standing=Standing(shop=shop, couriers=standing.couriers),
                behind_drinks=street.gate.reopens_behind_drinks(shop, asked.drinks),
            )
        ahead = shop.waiting
        shop, passed = crossed(accept(shop, asked.drinks), street.rules)
        shop, closed = street.gate.swing(shop)
        estimate_s = eta_s(
            shop, standing.couriers, shop.taken, ahead, street.rules, street.promises
        )
        told_s = promised_s(estimate_s, street.promises)
        taken = Assignment(
            order_id=asked.order_id,
            shop=asked.shop,
            drinks=asked.drinks,
            placed_s=asked.placed_s,
            accepted_at_s=shop.as_of_s,
            finish=shop.taken,
            first_promised_s=told_s,
            first_eta_s=estimate_s,
            promise=Promise(order_id=asked.order_id, promised_at_s=shop.as_of_s + told_s),
        )
        assignment_rows.add_assignment(connection, taken)
        shop_rows.save_shop_alone(connection, shop)
        if passed:
            feed_rows.add_passings(connection, [shop.name], shop.as_of_s)
        changes = [c for c in (opened, closed) if c is not None and street.notices]
        for change in changes:
            feed_rows.add_notices(connection, street.door_notices(shop, change))
        return Taken(
            assignment=taken,
            standing=Standing(shop=shop, couriers=standing.couriers),
            told=tuple(c.value for c in changes),
        )


def _again(found: Assignment, asked: Asked) -> Taken:
    if (found.shop, found.drinks) != (asked.shop, asked.drinks):
        raise OtherOrder(asked.order_id)
    return Taken(assignment=found, standing=None)
