"""What shops have left of each drink, as rows; each call runs in a transaction of its caller."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, update

from teashop.orders import schema
from teashop.orders.model import SoldOut
from teashop.serving.database import Database

_TAKE = (
    update(schema.stock)
    .where(
        schema.stock.c.shop == bindparam("b_shop"),
        schema.stock.c.drink == bindparam("b_drink"),
        schema.stock.c.left >= bindparam("b_quantity"),
    )
    .values(left=schema.stock.c.left - bindparam("b_quantity"))
)


class Stock:
    """The stock of all shops. Holds no state of its own: safe to share between threads.

    Args:
        per_drink: cups of each drink that each shop starts with.
    """

    def __init__(self, database: Database, per_drink: int) -> None:
        self._begin = database.insert_ignoring(schema.stock)
        self._per_drink = per_drink

    def take(self, connection: Connection, shop: str, drink: str, quantity: int) -> None:
        """Take so many cups; SoldOut when there are fewer."""
        wanted = {"b_shop": shop, "b_drink": drink, "b_quantity": quantity}
        if connection.execute(_TAKE, wanted).rowcount == 1:
            return
        # Shops and drinks are not known beforehand: their stock begins when first asked for.
        full = {"shop": shop, "drink": drink, "left": self._per_drink}
        connection.execute(self._begin, full)
        if connection.execute(_TAKE, wanted).rowcount == 0:
            raise SoldOut(f"Shop {shop!r} has fewer than {quantity} cups of {drink!r} left.")
