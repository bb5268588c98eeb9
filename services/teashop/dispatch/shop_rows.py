"""Shops as rows; each function runs in a transaction of its caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from teashop.dispatch import schema
from teashop.dispatch.couriers import Couriers
from teashop.dispatch.shops import Shop


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A shop with its couriers, as one row says."""

    shop: Shop
    couriers: Couriers


_by_shop = select(schema.shops).where(schema.shops.c.shop == bindparam("wanted"))
_all_shops = select(schema.shops).order_by(schema.shops.c.shop)
_save_shop = update(schema.shops).where(schema.shops.c.shop == bindparam("wanted"))


def shop(connection: Connection, name: str, *, lock: bool = False) -> Standing | None:
    """One shop; `lock` keeps other transactions from changing it until this one ends."""
    statement = _by_shop.with_for_update() if lock else _by_shop
    row = connection.execute(statement, {"wanted": name}).one_or_none()
    return None if row is None else _standing(row)


def shops(connection: Connection, *, lock: bool = False) -> list[Standing]:
    """Every shop, by name; `lock` as for one."""
    statement = _all_shops.with_for_update() if lock else _all_shops
    return [_standing(row) for row in connection.execute(statement)]


def open_shops(connection: Connection, names: Sequence[str], couriers: int, now_s: float) -> None:
    """Put shops that are not there yet on the street; those that are stay as they are."""
    there = set(connection.scalars(select(schema.shops.c.shop)))
    fresh = [
        Standing(shop=Shop(name=name, as_of_s=now_s), couriers=Couriers.waiting(couriers))
        for name in names
        if name not in there
    ]
    if fresh:
        connection.execute(
            insert(schema.shops), [{"shop": s.shop.name, **_shop_values(s)} for s in fresh]
        )


def save_shops(connection: Connection, standings: Sequence[Standing]) -> None:
    """Write shops that this transaction has locked."""
    values = [{"wanted": s.shop.name, **_shop_values(s)} for s in standings]
    if values:
        names: dict[str, object] = {n: bindparam(n) for n in values[0] if n != "wanted"}
        connection.execute(_save_shop.values(names), values)


def save_shop_alone(connection: Connection, shop_now: Shop) -> None:
    """Write a locked shop without its couriers."""
    connection.execute(_save_shop.values(_counters(shop_now)), {"wanted": shop_now.name})


def add_offered(connection: Connection, drinks: dict[str, float]) -> None:
    """Count demand that was refused; rows are taken in order of name, as everywhere."""
    for name in sorted(drinks):
        connection.execute(
            _save_shop.values(offered=schema.shops.c.offered + drinks[name]), {"wanted": name}
        )


def _standing(row: Row[tuple[object, ...]]) -> Standing:
    m = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Standing(
        shop=Shop(
            name=m["shop"],
            taken=m["taken"],
            made=m["made"],
            as_of_s=m["as_of_s"],
            paused=m["paused"],
            passed=m["passed"],
            waiting=m["waiting"],
            offered=m["offered"],
            demand_per_s=m["demand_per_s"],
        ),
        couriers=Couriers(tuple(orjson.loads(m["couriers"]))),
    )


def _counters(of: Shop) -> dict[str, object]:
    return {
        "taken": of.taken,
        "made": of.made,
        "as_of_s": of.as_of_s,
        "paused": of.paused,
        "passed": of.passed,
        "waiting": of.waiting,
        "offered": of.offered,
        "demand_per_s": of.demand_per_s,
    }


def _shop_values(standing: Standing) -> dict[str, object]:
    couriers = orjson.dumps(standing.couriers.free_at_s).decode()
    return {**_counters(standing.shop), "couriers": couriers}
