"""The full parser: what the mock AI knows. Hints, negations and corrections included.

One pass over the phrases of the text, from left to right, longest phrase first. A negator strikes
what follows in its clause; of what stands, the last mention of a field wins, which is all that a
correction is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from teashop.catalog.menu import LANGUAGES, MENU
from teashop.catalog.order import DrinkOrder
from teashop.catalog.wording import MARKS, WORDING, normalised

_NEGATOR: Final = "negator"
_BREAK: Final = "break"
_MAX_CHARS: Final = 2000


def _phrases() -> Iterator[tuple[str, tuple[str, str], str]]:
    """(phrase, (kind, value), pattern) of both languages; English words have edges."""
    for language in LANGUAGES:
        wording = WORDING[language]
        edge = r"\b" if language == "en" else ""
        plural = f"(?:{wording.plural})?" if wording.plural else ""
        for field, names in wording.names.items():
            suffix = plural if field == "drink" else ""
            for value, name in names.items():
                for phrase in (name, *wording.hints[field][value]):
                    plain = normalised(phrase)
                    yield plain, (field, value), f"{edge}{re.escape(plain)}{suffix}{edge}"
        for kind, words in ((_NEGATOR, wording.negators), (_BREAK, wording.breaks)):
            for word in words:
                plain = normalised(word)
                yield plain, (kind, plain), f"{edge}{re.escape(plain)}{edge}"
    for mark in MARKS:
        yield mark, (_BREAK, mark), re.escape(mark)


def _table() -> tuple[re.Pattern[str], Mapping[str, tuple[str, str]]]:
    entries = sorted(_phrases(), key=lambda entry: len(entry[0]), reverse=True)
    meanings: dict[str, tuple[str, str]] = {}
    for phrase, meaning, _ in entries:
        if meanings.setdefault(phrase, meaning) != meaning:
            raise ValueError(f"phrases.json: {phrase!r} has two meanings.")
    return re.compile("|".join(f"(?:{pattern})" for _, _, pattern in entries)), meanings


_PATTERN, _MEANINGS = _table()


def parse(utterance: str) -> DrinkOrder | None:
    """The order that the text leads to; None when it names no drink (or is over 2,000 chars)."""
    if len(utterance) > _MAX_CHARS:
        return None
    said: dict[str, str] = {}
    negated = False
    for match in _PATTERN.finditer(normalised(utterance)):
        found = match.group()
        kind, value = _MEANINGS.get(found) or _MEANINGS[found[:-1]]  # a plural
        if kind == _BREAK:
            negated = False
        elif kind == _NEGATOR:
            negated = True
        elif not negated:
            said[kind] = value
    if "drink" not in said:
        return None
    return DrinkOrder(
        drink=said["drink"],
        size=said.get("size", MENU.default_size),
        sugar=said.get("sugar", MENU.default_sugar),
        ice=said.get("ice", MENU.default_ice),
        quantity=int(said.get("quantity", "1")),
    )
