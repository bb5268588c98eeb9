"""What an order is: carts, states, answers, and the errors that tell a caller why not.

Nothing here does I/O. Money is integer fen.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import orjson

from teashop.catalog.order import DrinkOrder


class State(StrEnum):
    """Where an order stands; the promise of an assigned order may be revised."""

    PLACED = "placed"
    PAID = "paid"
    ASSIGNED = "assigned"


_LEGAL: Mapping[State, frozenset[State]] = {
    State.PLACED: frozenset({State.PAID}),
    State.PAID: frozenset({State.ASSIGNED}),
    State.ASSIGNED: frozenset({State.ASSIGNED}),
}


def reachable_from(state: State) -> tuple[State, ...]:
    """The states from which an order may go to `state`; a guard for the UPDATE that does it."""
    return tuple(before for before, after in _LEGAL.items() if state in after)


class Route(StrEnum):
    """The two calls that an Idempotency-Key makes safe to repeat; keys of one never meet the other's."""

    CHECKOUT = "checkout"
    PAYMENT = "payment"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cart:
    """A checkout: who, where, what, and whether a coupon is wanted."""

    user: str
    shop: str
    lines: tuple[DrinkOrder, ...]
    coupon: bool

    def __post_init__(self) -> None:
        """Refuse an empty cart."""
        if not self.lines:
            raise ValueError("items must hold at least one drink")

    @property
    def quantity(self) -> int:
        """Drinks in all lines."""
        return sum(line.quantity for line in self.lines)

    def quantities(self) -> list[tuple[str, int]]:
        """Each drink with its sum, in the one order in which stock rows are locked."""
        sums: dict[str, int] = {}
        for line in self.lines:
            sums[line.drink] = sums.get(line.drink, 0) + line.quantity
        return sorted(sums.items())

    def items_json(self) -> bytes:
        """The lines as JSON, the same bytes for the same lines."""
        return orjson.dumps([line.to_json() for line in self.lines])

    def digest(self) -> str:
        """A hash of the meaning: the order of a body's keys and its white space do not count."""
        parts = orjson.dumps([self.user, self.shop, self.coupon]) + self.items_json()
        return hashlib.blake2b(parts, digest_size=16).hexdigest()


def order_id_of(key: str) -> str:
    """The order id that belongs to a checkout's Idempotency-Key: 24 lower-case characters.

    A function of the key, so that whichever replica, clock or restart serves it, one key can
    never have two orders, and a run with the same keys has the same ids.
    """
    raw = hashlib.blake2b(key.encode(), digest_size=15, person=b"teashop-order").digest()
    return base64.b32encode(raw).decode().lower()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer that a key gets, now and for ever."""

    status: int
    body: bytes
    replayed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderView:
    """An order as its owner sees it; `eta_s` counts from now, None until the shop promised."""

    order_id: str
    state: State
    eta_s: float | None


class OrderError(Exception):
    """Why an order could not be placed, paid or found; its text is one sentence for the caller."""


class KeyReused(OrderError):
    """The Idempotency-Key came with another body before."""


class KeyInFlight(OrderError):
    """Another request with this key is being served and did not finish in time."""


class SoldOut(OrderError):
    """The shop has not enough of a drink; nothing was kept."""


class OrderUnknown(OrderError):
    """There is no such order."""


class IllegalTransition(OrderError):
    """The order is in a state from which this cannot be done."""
