"""ledger.json: orders, coupons, outbox, assignments, notices, settled outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from teastorm.verdict.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the audit shows it."""

    order_id: str
    key: str
    coupon: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An order at its shop; `kept` says whether its promise held, None while that is open."""

    order_id: str
    shop: str
    revisions: int
    kept: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to merchants and couriers: which shop, at what rate, how soon."""

    t_s: float
    kind: str
    shop: str
    rate: float | None
    eta_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """The moment a shop's queue passed its capacity."""

    t_s: float
    shop: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """ledger.json: the shop's books after the run, and what asking again with each key gave.

    `passings` is None where dispatch kept no record of them.
    """

    orders: tuple[Order, ...]
    coupon_budget: int
    coupon_spent: int
    outbox_pending: int
    outbox_delivered: int
    assignments: tuple[Assignment, ...]
    notices: tuple[Notice, ...]
    passings: tuple[Passing, ...] | None
    settled: Mapping[str, str]


def parse_ledger(raw: Fields) -> Ledger:
    """The books; `RunFolderError` names a missing or mistyped field."""
    coupons = raw.mapping("coupons")
    outbox = raw.mapping("outbox", optional=True)
    return Ledger(
        orders=tuple(_order(row) for row in raw.items("orders")),
        coupon_budget=coupons.whole("budget"),
        coupon_spent=coupons.whole("spent"),
        outbox_pending=outbox.whole("pending", 0),
        outbox_delivered=outbox.whole("delivered", 0),
        assignments=tuple(_assignment(row) for row in raw.items("assignments", optional=True)),
        notices=tuple(_notice(row) for row in raw.items("notices", optional=True)),
        passings=tuple(
            Passing(t_s=row.number("t_s"), shop=row.text("shop")) for row in raw.items("passings")
        )
        if raw.has("passings")
        else None,
        settled=MappingProxyType(
            {
                row.text("key"): row.text("order_id", "")
                for row in raw.items("settled", optional=True)
            }
        ),
    )


def _order(row: Fields) -> Order:
    return Order(
        order_id=row.text("order_id"), key=row.text("key", ""), coupon=row.flag("coupon", False)
    )


def _assignment(row: Fields) -> Assignment:
    return Assignment(
        order_id=row.text("order_id"),
        shop=row.text("shop", ""),
        revisions=_revisions(row),
        kept=_kept(row),
    )


def _kept(row: Fields) -> bool | None:
    if row.has("kept"):
        return row.flag("kept")
    if row.flag("late", False):
        return False
    promised = _first(row, "promised_s")
    done = _first(row, "delivered_s", "done_s")
    return None if promised is None or done is None else done <= promised


def _revisions(row: Fields) -> int:
    value = row.data.get("revisions")
    return len(value) if isinstance(value, list) else row.whole("revisions", 0)


def _notice(row: Fields) -> Notice:
    return Notice(
        t_s=row.number("t_s"),
        kind=row.text("kind"),
        shop=row.text("shop", ""),
        rate=_first(row, "rate", "rate_drinks_per_h"),
        eta_s=_first(row, "eta_s", "eta"),
    )


def _first(row: Fields, *names: str) -> float | None:
    return next((row.number(name) for name in names if row.has(name)), None)
