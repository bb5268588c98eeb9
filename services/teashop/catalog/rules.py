"""The cheap resolver: a grammar of exact names that answers only when it read every word.

It is the `rules` rung of the ladder: no AI, a few microseconds, a minority of utterances. A full
match of the whole text is what keeps it from being wrong: any word outside the grammar (a
negation, a correction, a hint) means None.
"""

import re
from collections.abc import Mapping
from typing import Final

from teashop.catalog.menu import LANGUAGES, MENU, Language, mapping, read_data, text
from teashop.catalog.order import FIELDS, DrinkOrder
from teashop.catalog.wording import WORDING, normalised

_MAX_CHARS: Final = 160


def _compiled(language: Language) -> tuple[re.Pattern[str], Mapping[str, str]]:
    grammar = text(mapping(read_data("rules.json"), "rules.json").get(language), "rules.json")
    wording = WORDING[language]
    values: dict[str, str] = {}
    for field in FIELDS:
        by_phrase = {normalised(name): value for value, name in wording.names[field].items()}
        values.update(by_phrase)
        ordered = sorted(by_phrase, key=len, reverse=True)
        group = f"(?P<{field}>{'|'.join(map(re.escape, ordered))})"
        if field == "drink" and wording.plural:
            group += f"(?:{wording.plural})?"
        grammar = grammar.replace(f"{{{field}}}", group)
    return re.compile(grammar), values


_GRAMMARS: Final = tuple(_compiled(language) for language in LANGUAGES)


def resolve(utterance: str) -> DrinkOrder | None:
    """The order, if the whole utterance is made of exact names; None if anything is left over."""
    if len(utterance) > _MAX_CHARS:
        return None
    plain = normalised(utterance)
    for pattern, values in _GRAMMARS:
        match = pattern.fullmatch(plain)
        if match is not None:
            drink, size, sugar, ice, quantity = match.group(*FIELDS)
            return DrinkOrder(
                drink=values[drink],
                size=values[size],
                sugar=values[sugar] if sugar else MENU.default_sugar,
                ice=values[ice] if ice else MENU.default_ice,
                quantity=int(values[quantity]),
            )
    return None
