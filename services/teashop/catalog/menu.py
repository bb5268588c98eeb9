"""The menu: what can be ordered, by which names, at what price."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal

type Language = Literal["zh", "en"]

LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
MAX_QUANTITY: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value of size, sugar or ice: its id and its exact name in each language."""

    id: str
    zh: str
    en: str

    def name(self, language: Language) -> str:
        """The exact name, as printed on the menu."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class Drink(Choice):
    """A drink: prices in fen by size id; popularity is a relative weight."""

    price_fen: Mapping[str, int]
    popularity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """Everything that can be ordered. Each mapping is keyed by id, in the menu's order."""

    drinks: Mapping[str, Drink]
    sizes: Mapping[str, Choice]
    sugar: Mapping[str, Choice]
    ice: Mapping[str, Choice]
    default_size: str
    default_sugar: str
    default_ice: str

    def __post_init__(self) -> None:
        for drink in self.drinks.values():
            if set(drink.price_fen) != set(self.sizes):
                raise ValueError(f"menu.json: drink {drink.id} must have one price for each size.")
        for value, known in (
            (self.default_size, self.sizes),
            (self.default_sugar, self.sugar),
            (self.default_ice, self.ice),
        ):
            if value not in known:
                raise ValueError(f"menu.json: the default {value!r} is not on the menu.")

    def price_fen(self, drink: str, size: str, quantity: int = 1) -> int:
        """What `quantity` cups cost, in fen; KeyError for what is not on the menu."""
        return self.drinks[drink].price_fen[size] * quantity

    def to_json(self) -> list[dict[str, object]]:
        """The drinks as GET /menu shows them."""
        return [
            {"drink": d.id, "zh": d.zh, "en": d.en, "price_fen": dict(d.price_fen)}
            for d in self.drinks.values()
        ]


def read_data(name: str) -> object:
    """A JSON file of this package's data folder, parsed."""
    parsed: object = json.loads(
        files("teashop.catalog").joinpath("data", name).read_text(encoding="utf-8")
    )
    return parsed


def mapping(value: object, where: str) -> dict[str, object]:
    """`value` as a JSON object; ValueError naming `where` if it is none."""
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be an object.")  # noqa: TRY004 - one exception for a broken data file
    return {str(key): item for key, item in value.items()}


def items(value: object, where: str) -> list[object]:
    """`value` as a JSON array; ValueError naming `where` if it is none."""
    if not isinstance(value, list):
        raise ValueError(f"{where} must be an array.")  # noqa: TRY004 - one exception for a broken data file
    return list(value)


def text(value: object, where: str) -> str:
    """`value` as a string that is not empty; ValueError naming `where` otherwise."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where} must be a string that is not empty.")
    return value


def number(value: object, where: str) -> float:
    """`value` as a number above zero; ValueError naming `where` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"{where} must be a number above 0.")
    return value


def _choices(raw: object, where: str) -> dict[str, Choice]:
    found: dict[str, Choice] = {}
    for entry in items(raw, where):
        row = mapping(entry, where)
        choice = Choice(
            id=text(row.get("id"), f"{where}.id"),
            zh=text(row.get("zh"), f"{where}.zh"),
            en=text(row.get("en"), f"{where}.en"),
        )
        found[choice.id] = choice
    return found


def _drinks(raw: object) -> dict[str, Drink]:
    where = "menu.json: drinks"
    found: dict[str, Drink] = {}
    for entry in items(raw, where):
        row = mapping(entry, where)
        prices = mapping(row.get("price_fen"), f"{where}.price_fen")
        drink = Drink(
            id=text(row.get("id"), f"{where}.id"),
            zh=text(row.get("zh"), f"{where}.zh"),
            en=text(row.get("en"), f"{where}.en"),
            price_fen={
                size: int(number(price, f"{where}.price_fen")) for size, price in prices.items()
            },
            popularity=number(row.get("popularity"), f"{where}.popularity"),
        )
        found[drink.id] = drink
    return found


def load_menu() -> Menu:
    """The shipped menu; ValueError with one sentence when the data file is broken."""
    raw = mapping(read_data("menu.json"), "menu.json")
    defaults = mapping(raw.get("defaults"), "menu.json: defaults")
    return Menu(
        drinks=_drinks(raw.get("drinks")),
        sizes=_choices(raw.get("sizes"), "menu.json: sizes"),
        sugar=_choices(raw.get("sugar"), "menu.json: sugar"),
        ice=_choices(raw.get("ice"), "menu.json: ice"),
        default_size=text(defaults.get("size"), "menu.json: defaults.size"),
        default_sugar=text(defaults.get("sugar"), "menu.json: defaults.sugar"),
        default_ice=text(defaults.get("ice"), "menu.json: defaults.ice"),
    )


MENU: Final = load_menu()
