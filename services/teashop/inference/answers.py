"""What the mock model says: the order it understands, as JSON text, cut into tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import orjson

from teashop.catalog import MENU, DrinkOrder
from teashop.catalog.parse import parse


def hash_share(seed: int, utterance: str) -> float:
    """A number in [0, 1) that depends on the seed and the utterance only."""
    digest = hashlib.blake2b(f"{seed}\0{utterance}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def answer(utterance: str, *, seed: int, error_share: float) -> str:
    """The assistant's content: the order as JSON, or `null` when no drink was understood.

    Args:
        error_share: share of utterances answered with the next drink of the menu instead.
    """
    order = parse(utterance)
    if order is None:
        return "null"
    if error_share > 0 and hash_share(seed, utterance) < error_share:
        order = _mistaken(order)
    return orjson.dumps(order.to_json()).decode()


def pieces(content: str, tokens: int) -> Iterator[str]:
    """The content in `tokens` parts; some are empty when it has fewer characters than that."""
    for index in range(tokens):
        yield content[index * len(content) // tokens : (index + 1) * len(content) // tokens]


def prompt_tokens(text: str) -> int:
    """About how many tokens a prompt has: one for four bytes, at least one."""
    return max(1, len(text.encode()) // 4)


def _mistaken(order: DrinkOrder) -> DrinkOrder:
    drinks = tuple(MENU.drinks)
    other = drinks[(drinks.index(order.drink) + 1) % len(drinks)]
    return DrinkOrder(
        drink=other, size=order.size, sugar=order.sugar, ice=order.ice, quantity=order.quantity
    )
