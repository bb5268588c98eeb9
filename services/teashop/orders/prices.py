"""What a cart costs, and what a coupon takes off; the menu itself is the catalogue's."""

from __future__ import annotations

from teashop.orders.model import Cart


def total_fen(cart: Cart, *, coupon_fen: int) -> int:
    """The price of `cart` in fen, less `coupon_fen` (0 without a coupon), never below 0."""
    return max(0, sum(line.price_fen for line in cart.lines) - coupon_fen)
