"""What a configuration refuses: one sentence naming the class and the field.

Every configuration of this package calls these from `__post_init__`, so that a wrong setting is
found when it is read and not under load.
"""

import math


def above(owner: object, field: str, value: float, bound: float) -> None:
    """Refuse a value that is not finite and above `bound` (ValueError)."""
    if not (math.isfinite(value) and value > bound):
        raise ValueError(f"{type(owner).__name__}.{field} must be above {bound:g}, got {value!r}.")


def at_least(owner: object, field: str, value: float, bound: float) -> None:
    """Refuse a value that is not finite or below `bound` (ValueError)."""
    if not (math.isfinite(value) and value >= bound):
        raise ValueError(
            f"{type(owner).__name__}.{field} must be at least {bound:g}, got {value!r}."
        )


def within(owner: object, field: str, value: float, low: float, high: float) -> None:
    """Refuse a value outside `[low, high]` (ValueError)."""
    if not low <= value <= high:
        raise ValueError(
            f"{type(owner).__name__}.{field} must be from {low:g} to {high:g}, got {value!r}."
        )
