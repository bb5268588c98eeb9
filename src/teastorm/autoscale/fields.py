"""Reading JSON objects field by field, with one sentence that names the field that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from teastorm.autoscale.gomath import INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN


class FieldError(ValueError):
    """A field is missing, of the wrong kind, unknown or out of range."""


@dataclass(frozen=True, slots=True)
class Fields:
    """One object and its place, such as `steps[3].pods[0]`."""

    content: Mapping[str, object]
    where: str = ""

    @staticmethod
    def of(value: object, where: str = "") -> "Fields":
        """Refuse what is no object."""
        if not isinstance(value, dict):
            raise FieldError(f"{where or 'the line'} must be an object")
        return Fields(value, where)

    def path(self, key: str) -> str:
        """The field's full name."""
        return f"{self.where}.{key}" if self.where else key

    def __contains__(self, key: str) -> bool:
        return self.content.get(key) is not None

    def only(self, *known: str) -> None:
        """Refuse fields that nobody reads."""
        unknown = next((key for key in self.content if key not in known), None)
        if unknown is not None:
            raise FieldError(f"{self.path(unknown)} is not a known field")

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
        try:
            return kind(value)  # type: ignore[arg-type] # anything else is refused below
        except ValueError:
            raise self._wrong(key, f"one of {', '.join(kind)}") from None

    def child(self, key: str) -> "Fields":
        """An object that has to be there."""
        value = self.content.get(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "an object")
        return Fields(value, self.path(key))

    def objects(self, key: str) -> "list[Fields]":
        """A list of objects; absent and null are empty."""
        path = self.path(key)
        return [Fields.of(each, f"{path}[{index}]") for index, each in enumerate(self.items(key))]

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
