"""Reads what callers send; refuses it with one sentence (a 400 problem)."""

from __future__ import annotations

from collections.abc import Mapping

from teashop.catalog.order import DrinkOrder
from teashop.orders.model import Cart
from teashop.serving.asgi import Problem, Request

MAX_LINES = 20
_MAX_KEY = 200
_MAX_USER = 200
_MAX_SHOP = 100


def idempotency_key(request: Request) -> str:
    """The Idempotency-Key header.

    Raises:
        Problem: 400 when it is missing, too long or not printable ASCII.
    """
    raw = request.header(b"idempotency-key")
    if not raw:
        raise Problem(400, "idempotency_key", "The header Idempotency-Key is required.")
    key = raw.decode("latin-1")
    if len(key) > _MAX_KEY or not (key.isascii() and key.isprintable()):
        raise Problem(
            400,
            "idempotency_key",
            f"The header Idempotency-Key must be at most {_MAX_KEY} printable ASCII characters.",
        )
    return key


async def cart(request: Request) -> Cart:
    """The checkout in a request's body.

    Raises:
        Problem: 400, naming the field and what it must be.
    """
    return parse_cart(await request.json())


def parse_cart(body: object) -> Cart:
    """The checkout that a JSON body means.

    Raises:
        Problem: 400, naming the field and what it must be.
    """
    if not isinstance(body, Mapping):
        raise _bad("The body must be a JSON object.")
    coupon = body.get("coupon", False)
    if not isinstance(coupon, bool):
        raise _bad(f"coupon must be true or false, got {coupon!r}.")
    items = body.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_LINES:
        raise _bad(f"items must be a list of 1 to {MAX_LINES} drinks.")
    lines: list[DrinkOrder] = []
    for index, item in enumerate(items):
        try:
            lines.append(DrinkOrder.from_json(item))
        except ValueError as error:
            raise _bad(f"items[{index}]: {error}") from None
    return Cart(
        user=_word(body, "user", _MAX_USER),
        shop=_word(body, "shop", _MAX_SHOP),
        lines=tuple(lines),
        coupon=coupon,
    )


def _word(body: Mapping[str, object], name: str, longest: int) -> str:
    value = body.get(name)
    # NUL is legal in JSON and cannot be stored in PostgreSQL's text.
    if not isinstance(value, str) or not 1 <= len(value) <= longest or "\0" in value:
        raise _bad(f"{name} must be a string of 1 to {longest} characters, got {value!r:.60}.")
    return value


def _bad(sentence: str) -> Problem:
    return Problem(400, "body", sentence)
