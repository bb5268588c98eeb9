"""How each value of each field can be worded: exact names, and hints that only a reader gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from teashop.catalog.menu import LANGUAGES, MENU, Choice, Language, items, mapping, read_data, text

type Wordings = Mapping[str, Mapping[str, tuple[str, ...]]]
"""field -> value id -> phrases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words of one language; `names` has one exact phrase a value, `hints` at least one."""

    names: Mapping[str, Mapping[str, str]]
    hints: Wordings
    plural: str
    negators: tuple[str, ...]
    breaks: tuple[str, ...]


def normalised(utterance: str) -> str:
    """Lower case, single spaces: the form in which all phrases are compared."""
    return " ".join(utterance.casefold().split())


def _texts(raw: object, where: str) -> tuple[str, ...]:
    return tuple(text(entry, where) for entry in items(raw, where))


def _load(language: Language) -> Wording:
    where = f"words.json: {language}"
    words = mapping(mapping(read_data("words.json"), "words.json").get(language), where)
    numbers = mapping(words.get("quantity"), f"{where}.quantity")
    choices: dict[str, Mapping[str, Choice]] = {
        "drink": MENU.drinks,
        "size": MENU.sizes,
        "sugar": MENU.sugar,
        "ice": MENU.ice,
    }
    names = {
        field: {key: choice.name(language) for key, choice in known.items()}
        for field, known in choices.items()
    }
    names["quantity"] = {key: text(word, where) for key, word in numbers.items()}
    phrases = mapping(mapping(read_data("phrases.json"), "phrases.json").get(language), where)
    hints: dict[str, dict[str, tuple[str, ...]]] = {}
    for field, values in names.items():
        raw = mapping(phrases.get(field), f"phrases.json: {language}.{field}")
        hints[field] = {
            value: _texts(raw.get(value), f"phrases.json: {language}.{field}.{value}")
            for value in values
        }
    plural = words.get("plural")
    return Wording(
        names=names,
        hints=hints,
        plural=plural if isinstance(plural, str) else "",
        negators=_texts(words.get("negators"), f"{where}.negators"),
        breaks=_texts(words.get("breaks"), f"{where}.breaks"),
    )


WORDING: Final[Mapping[Language, Wording]] = {language: _load(language) for language in LANGUAGES}
MARKS: Final = text(
    mapping(read_data("words.json"), "words.json").get("marks"), "words.json: marks"
)
