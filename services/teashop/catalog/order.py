"""One line of an order: a drink, how it is made, how many."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from teashop.catalog.menu import MAX_QUANTITY, MENU

FIELDS: Final = ("drink", "size", "sugar", "ice", "quantity")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrinkOrder:
    """What one utterance asks for, in the menu's ids; refuses what is not on the menu."""

    drink: str
    size: str = MENU.default_size
    sugar: str = MENU.default_sugar
    ice: str = MENU.default_ice
    quantity: int = 1

    def __post_init__(self) -> None:
        for field, value, known in (
            ("drink", self.drink, MENU.drinks),
            ("size", self.size, MENU.sizes),
            ("sugar", self.sugar, MENU.sugar),
            ("ice", self.ice, MENU.ice),
        ):
            if value not in known:
                raise ValueError(
                    f"{field} must be on the menu ({', '.join(known)}), got {value!r}."
                )
        if not 1 <= self.quantity <= MAX_QUANTITY:
            raise ValueError(f"quantity must be from 1 to {MAX_QUANTITY}, got {self.quantity}.")

    @property
    def price_fen(self) -> int:
        """What the line costs, in fen."""
        return MENU.price_fen(self.drink, self.size, self.quantity)

    def to_json(self) -> dict[str, str | int]:
        """The line as every API of the shop writes it."""
        return {
            "drink": self.drink,
            "size": self.size,
            "sugar": self.sugar,
            "ice": self.ice,
            "quantity": self.quantity,
        }

    @classmethod
    def from_json(cls, raw: object) -> Self:
        """The line from a JSON object with exactly the five fields; ValueError otherwise."""
        if not isinstance(raw, Mapping) or set(raw) != set(FIELDS):
            raise ValueError(f"a drink order must be an object with exactly {', '.join(FIELDS)}.")
        quantity = raw["quantity"]
        if isinstance(quantity, bool) or not isinstance(quantity, int):
            raise ValueError(f"quantity must be an integer, got {quantity!r}.")  # noqa: TRY004 - one exception for bad input
        words = {field: raw[field] for field in FIELDS[:-1]}
        for field, value in words.items():
            if not isinstance(value, str):
                raise ValueError(f"{field} must be a string, got {value!r}.")  # noqa: TRY004 - one exception for bad input
        return cls(quantity=quantity, **{field: str(value) for field, value in words.items()})
