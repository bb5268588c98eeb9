"""Typed reading of JSON and YAML mappings, so that no untyped dictionary passes the edge."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

from teastorm.verdict.errors import RunFolderError

type Json = str | int | float | bool | list[Json] | dict[str, Json] | None

LARGEST = sys.float_info.max
LARGEST_WHOLE = 2**53
"""Above it a float, which JSON's numbers are, is not exact."""

LONGEST_S = 20_000.0
"""Three phases of an hour are the most an experiment may ask for; a verdict looks at each second."""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint naming the known name closest to `name`: "did you mean x?" or the whole list."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(names)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A mapping with the place it came from; every getter refuses a wrong type in one sentence.

    `where` names file and field ("run.json: capacity"); raises `RunFolderError`.
    """

    where: str
    data: Mapping[str, object]

    @classmethod
    def of(cls, value: object, where: str) -> Fields:
        """The mapping `value`, or a refusal."""
        if not isinstance(value, Mapping):
            raise RunFolderError(f"{where} must be a mapping, got {_kind(value)}.")
        return cls(where=where, data={str(key): item for key, item in value.items()})

    def at(self, name: str) -> str:
        """The full name of a field, for messages."""
        return f"{self.where}.{name}" if ": " in self.where else f"{self.where}: {name}"

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Refuse a key that is not among `known`, naming the nearest one that is."""
        names = tuple(known)
        for key in self.data:
            if key not in names:
                raise RunFolderError(f"{self.at(key)} is not known; {nearest(key, names)}.")

    def refuse_other_schema(self, wanted: str) -> None:
        """Refuse a file that says that it is of another kind, or of another version."""
        if (schema := self.text("schema")) != wanted:
            raise RunFolderError(f"{self.at('schema')} must be {wanted}, got {schema}.")

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.data.get(name) is not None

    def _need(self, name: str) -> object:
        if name not in self.data:
            raise RunFolderError(
                f"{self.at(name)} is missing; write it or run the experiment again."
            )
        return self.data[name]

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""
        if default is not None and not self.has(name):
            return default
        value = self._need(name)
        if not isinstance(value, str):
            raise RunFolderError(f"{self.at(name)} must be text, got {_kind(value)}.")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number, or NaN only where the default says so."""
        if default is not None and not self.has(name):
            return default
        value = self._need(name)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not -LARGEST < value < LARGEST
        ):
            raise RunFolderError(f"{self.at(name)} must be a finite number, got {_kind(value)}.")
        return float(value)

    def seconds(self, name: str) -> float:
        """A moment of a run: what is laid out second by second cannot lie a week away."""
        value = self.number(name)
        if abs(value) > LONGEST_S:
            raise RunFolderError(
                f"{self.at(name)} must be seconds since the run's start, got {value:g}."
            )
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """An integer."""
        value = self.number(name, None if default is None else float(default))
        if not value.is_integer() or abs(value) > LARGEST_WHOLE:
            raise RunFolderError(f"{self.at(name)} must be a whole number, got {value}.")
        return int(value)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """A boolean."""
        if default is not None and not self.has(name):
            return default
        value = self._need(name)
        if not isinstance(value, bool):
            raise RunFolderError(f"{self.at(name)} must be true or false, got {_kind(value)}.")
        return value

    def mapping(self, name: str, *, optional: bool = False) -> Fields:
        """A nested mapping; an absent optional one is empty."""
        if optional and not self.has(name):
            return Fields(where=self.at(name), data={})
        return Fields.of(self._need(name), self.at(name))

    def items(self, name: str, *, optional: bool = False) -> tuple[Fields, ...]:
        """A list of mappings."""
        if optional and not self.has(name):
            return ()
        value = self._need(name)
        if not isinstance(value, list):
            raise RunFolderError(f"{self.at(name)} must be a list, got {_kind(value)}.")
        return tuple(Fields.of(item, f"{self.at(name)}[{i}]") for i, item in enumerate(value))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._need(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise RunFolderError(f"{self.at(name)} must be a list of texts, got {_kind(value)}.")
        return tuple(str(item) for item in value)

    def json(self) -> Mapping[str, Json]:
        """All of it as it stood in the file, read-only."""
        return MappingProxyType(cast("dict[str, Json]", dict(self.data)))

    def numbers(self) -> dict[str, float]:
        """Every field as a number, by name."""
        return {name: self.number(name) for name in self.data}


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 40 else f"a {type(value).__name__}"
