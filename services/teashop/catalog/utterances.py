"""What people say to the shop, with what they truly want beside it.

The families and their shares are data (`templates.json`). Only `direct` utterances can be
resolved by rules; the shares keep those a minority (DEFINITIONS: at least 60 % cannot be).
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from teashop.catalog.menu import LANGUAGES, MENU, Language, items, mapping, number, read_data, text
from teashop.catalog.order import FIELDS, DrinkOrder
from teashop.catalog.wording import WORDING, Wording

RESOLVABLE_FAMILY: Final = "direct"
_CHINESE_SHARE: Final = 0.6
_QUANTITY_WEIGHTS: Final = (60, 25, 10, 5)
_FORMATTER: Final = string.Formatter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """A text, the order it truly asks for, and whether rules alone can resolve it."""

    text: str
    truth: DrinkOrder
    resolvable: bool
    language: Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A text with slots; `fields` are those whose true value the text tells."""

    text: str
    slots: tuple[str, ...]
    fields: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Templates of one kind, by language, and the share of utterances drawn from them."""

    share: float
    templates: Mapping[Language, tuple[Template, ...]]


def _template(raw: object, where: str) -> Template:
    wording = text(raw, where)
    slots = tuple(name for _, name, _, _ in _FORMATTER.parse(wording) if name)
    for slot in slots:
        if slot.removesuffix("_hint").removesuffix("_other") not in FIELDS:
            raise ValueError(f"{where}: {{{slot}}} is no slot.")
    told = {slot.removesuffix("_hint") for slot in slots} & set(FIELDS)
    if "drink" not in told:
        raise ValueError(f"{where}: {wording!r} must tell the drink.")
    return Template(text=wording, slots=slots, fields=frozenset(told))


def _load() -> dict[str, Family]:
    families: dict[str, Family] = {}
    for name, raw in mapping(read_data("templates.json"), "templates.json").items():
        where = f"templates.json: {name}"
        row = mapping(raw, where)
        families[name] = Family(
            share=number(row.get("share"), f"{where}.share"),
            templates={
                language: tuple(
                    _template(entry, f"{where}.{language}")
                    for entry in items(row.get(language), f"{where}.{language}")
                )
                for language in LANGUAGES
            },
        )
    return families


FAMILIES: Final[Mapping[str, Family]] = _load()
_NAMES: Final = tuple(FAMILIES)
_SHARES: Final = tuple(family.share for family in FAMILIES.values())
_DRINKS: Final = tuple(MENU.drinks)
_POPULARITY: Final = tuple(drink.popularity for drink in MENU.drinks.values())
_SIZES: Final = tuple(MENU.sizes)
_SUGAR: Final = tuple(MENU.sugar)
_ICE: Final = tuple(MENU.ice)
_QUANTITIES: Final = (1, 2, 3, 4)


def draw_order(rng: Random, fields: frozenset[str] = frozenset(FIELDS)) -> DrinkOrder:
    """A random order; only `fields` differ from the menu's defaults (the drink is always drawn)."""
    drink = rng.choices(_DRINKS, _POPULARITY)[0]
    size, sugar, ice = rng.choice(_SIZES), rng.choice(_SUGAR), rng.choice(_ICE)
    quantity = rng.choices(_QUANTITIES, _QUANTITY_WEIGHTS)[0]
    return DrinkOrder(
        drink=drink,
        size=size if "size" in fields else MENU.default_size,
        sugar=sugar if "sugar" in fields else MENU.default_sugar,
        ice=ice if "ice" in fields else MENU.default_ice,
        quantity=quantity if "quantity" in fields else 1,
    )


def _filled(slot: str, truth: DrinkOrder, wording: Wording, rng: Random) -> str:
    hint = slot.endswith("_hint")
    plain = slot.removesuffix("_hint")
    field = plain.removesuffix("_other")
    value = str(getattr(truth, field))
    if plain.endswith("_other"):
        value = rng.choice([other for other in wording.names[field] if other != value])
    if hint:
        return rng.choice(wording.hints[field][value])
    return wording.names[field][value]


def draw(rng: Random) -> Utterance:
    """One utterance; the same state of `rng` gives the same one."""
    name = rng.choices(_NAMES, _SHARES)[0]
    language: Language = "zh" if rng.random() < _CHINESE_SHARE else "en"
    template = rng.choice(FAMILIES[name].templates[language])
    wording = WORDING[language]
    truth = draw_order(rng, template.fields)
    words = {slot: _filled(slot, truth, wording, rng) for slot in template.slots}
    if truth.quantity > 1 and "{quantity} {size} {drink}" in template.text:
        words["drink"] += wording.plural
    spoken = template.text.format_map(words)
    return Utterance(
        text=spoken[0].upper() + spoken[1:],
        truth=truth,
        resolvable=name == RESOLVABLE_FAMILY,
        language=language,
    )
