"""What a number of a scenario may be; a wrong one is refused in a sentence that names it."""

from __future__ import annotations

import math

from teastorm.simulate.errors import ScenarioInvalid


def above(owner: object, name: str, value: float) -> None:
    """`ScenarioInvalid` unless the field `name` of `owner` is a number above 0."""
    if not (math.isfinite(value) and value > 0):
        raise ScenarioInvalid(f"{type(owner).__name__}.{name} must be above 0, got {value:g}.")


def at_least(owner: object, name: str, value: float, least: float) -> None:
    """`ScenarioInvalid` unless it is a number not below `least`."""
    if not (math.isfinite(value) and value >= least):
        raise ScenarioInvalid(
            f"{type(owner).__name__}.{name} must be at least {least:g}, got {value:g}."
        )
