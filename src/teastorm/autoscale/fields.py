"""Reading JSON objects field by field, with one sentence that names the field that is wrong."""

from collections.abc import Mapping
from enum import StrEnum
from typing import cast

from teastorm.autoscale.gomath import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN


class FieldError(ValueError):
    """A field is missing, of the wrong kind, unknown or out of range."""


class Fields:
    """One object and its place, such as `steps[3].pods[0]`.

    The place is put together only when somebody asks: a replay reads thousands of objects a second
    and names none of them.
    """

    __slots__ = ("_key", "_parent", "content")

    def __init__(
        self, content: Mapping[str, object], key: str | int = "", parent: "Fields | None" = None
    ) -> None:
        self.content = content
        self._key = key
        self._parent = parent

    @staticmethod
    def of(value: object, where: str = "") -> "Fields":
        """Refuse what is no object."""
        if not isinstance(value, dict):
            raise FieldError(f"{where or 'the line'} must be an object")
        return Fields(value, where)

    @property
    def where(self) -> str:
        """Its full name; empty for the whole line."""
        key, parent = self._key, self._parent
        if parent is None:
            return str(key)
        return f"{parent.where}[{key}]" if isinstance(key, int) else parent.path(key)

    def path(self, key: str) -> str:
        """The field's full name."""
        where = self.where
        return f"{where}.{key}" if where else key

    def __contains__(self, key: str) -> bool:
        return self.content.get(key) is not None

    def only(self, *known: str) -> None:
        """Refuse fields that nobody reads, and name the nearest of those that are read."""
        unknown = next((key for key in self.content if key not in known), None)
        if unknown is not None:
            from teastorm.runner.problems import did_you_mean  # noqa: PLC0415 - a refusal's only

            near = did_you_mean(str(unknown), known)
            raise FieldError(f"{self.path(unknown)} is not a known field{near}")

    def integer(self, key: str, *, low: int = INT64_MIN, high: int = INT64_MAX) -> int:
        """A whole number that has to be there."""
        value = self.content.get(key)
        if type(value) is not int:
            raise self._wrong(key, "a whole number")
        if not low <= value <= high:
            raise FieldError(f"{self.path(key)} must be from {low} to {high}, got {value}")
        return value

    def optional_integer(self, key: str) -> int | None:
        """A whole number, or null, or absent."""
        return None if self.content.get(key) is None else self.integer(key)

    def int32(self, key: str) -> int:
        """A whole number of 32 bits."""
        return self.integer(key, low=INT32_MIN, high=INT32_MAX)

    def number(self, key: str, default: float | None = None) -> float:
        """A finite number."""
        value = self.content.get(key, default)
        if type(value) not in (int, float):
            raise self._wrong(key, "a number")
        return value  # type: ignore[return-value] # its type was looked at

    def text(self, key: str, default: str | None = None) -> str:
        """A string."""
        value = self.content.get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        return value

    def flag(self, key: str) -> bool:
        """True or false; absent is false."""
        value = self.content.get(key)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def one_of[E: StrEnum](self, key: str, kind: type[E], default: E | None = None) -> E:
        """A value of an enumeration."""
        value = self.content.get(key)
        if value is None and default is not None:
            return default
        # An enumeration's own look-up is a call; its members by value are at hand.
        found = kind._value2member_map_.get(value) if isinstance(value, str) else None
        if found is None:
            raise self._wrong(key, f"one of {', '.join(kind)}")
        return cast("E", found)

    def child(self, key: str) -> "Fields":
        """An object that has to be there."""
        value = self.content.get(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return Fields(value, key, self)

    def objects(self, key: str) -> "list[Fields]":
        """A list of objects; absent and null are empty."""
        listed = self.items(key)
        here = Fields(self.content, key, self)
        found = []
        for index, each in enumerate(listed):
            if not isinstance(each, dict):
                raise FieldError(f"{self.path(key)}[{index}] must be an object")
            found.append(Fields(each, index, here))
        return found

    def items(self, key: str) -> "list[object]":
        """A list of anything; absent and null are empty."""
        value = self.content.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._wrong(key, "a list")
        return value

    def integers(self, key: str) -> list[int]:
        """A list of whole numbers of 64 bits."""
        values: list[int] = []
        for value in self.items(key):
            if type(value) is not int or not INT64_MIN <= value <= INT64_MAX:
                raise self._wrong(key, "a list of whole numbers")
            values.append(value)
        return values

    def _wrong(self, key: str, wanted: str) -> FieldError:
        problem = "must be" if self.content.get(key) is not None else "is missing; it must be"
        return FieldError(f"{self.path(key)} {problem} {wanted}")
