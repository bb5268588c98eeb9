"""What a value may be: rules that accept it, or say in words what it must be. Pure."""

import math
import sys
from collections.abc import Callable

from teastorm.runner.problems import did_you_mean

type Rule = Callable[[object], str | None]
"""A sentence's end when the value is refused (`must be above 0, got -3`), None when it is fine."""


def above(lowest: float, highest: float = math.inf) -> Rule:
    """A finite number above `lowest` and at most `highest`."""

    def rule(value: object) -> str | None:
        number = _number(value)
        if number is None:
            return f"must be a number, got {value!r}"
        if number <= lowest:
            return f"must be above {lowest:g}, got {value!r}"
        return f"must be at most {highest:g}, got {value!r}" if number > highest else None

    return rule


def at_least(lowest: float, highest: float = math.inf) -> Rule:
    """A finite number from `lowest` to `highest`."""

    def rule(value: object) -> str | None:
        number = _number(value)
        if number is None:
            return f"must be a number, got {value!r}"
        if number < lowest:
            return f"must be at least {lowest:g}, got {value!r}"
        return f"must be at most {highest:g}, got {value!r}" if number > highest else None

    return rule


def whole(lowest: int, highest: int = 10_000) -> Rule:
    """A whole number from `lowest` to `highest`."""

    def rule(value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return f"must be a whole number, got {value!r}"
        if value < lowest:
            return f"must be at least {lowest}, got {value}"
        return f"must be at most {highest}, got {value}" if value > highest else None

    return rule


def text(what: str) -> Rule:
    """A text that is not empty; `what` it is, for the sentence ("a node's name")."""

    def rule(value: object) -> str | None:
        return None if isinstance(value, str) and value else f"must be {what}, got {value!r}"

    return rule


def flag(value: object) -> str | None:
    """True or false: a `Rule` itself."""
    return None if isinstance(value, bool) else f"must be true or false, got {value!r}"


def one_of(kind: str, known: tuple[str, ...]) -> Rule:
    """One of some names."""

    def rule(value: object) -> str | None:
        if isinstance(value, str) and value in known:
            return None
        return f"must be a {kind}, got {value!r}{did_you_mean(str(value), known)}"

    return rule


def names_of(kind: str, known: tuple[str, ...]) -> Rule:
    """A list of some names, at least one."""
    single = one_of(kind, known)

    def rule(value: object) -> str | None:
        if not isinstance(value, list) or not value:
            return f"must be a list of {kind}s, got {value!r}"
        return next((refused for item in value if (refused := single(item))), None)

    return rule


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # An int may be too large for a float, and NaN is neither above nor below anything.
    return float(value) if abs(value) <= sys.float_info.max else None
