"""Colours that stay apart for colour-blind readers, on light and dark paper.

After Okabe and Ito, "Color Universal Design" (2008). Names are CSS classes of the template; the
template defines each once for light and once for dark.
"""

from __future__ import annotations

from typing import Final

RUNG: Final[dict[str, str]] = {
    "full": "blue",
    "short": "sky",
    "cache": "green",
    "rules": "mint",
    "menu": "yellow",
    "ticket": "orange",
    "refused": "grey",
    "failed": "red",
}
CRITICALITY: Final[dict[str, str]] = {
    "critical_plus": "blue",
    "critical": "green",
    "sheddable_plus": "orange",
    "sheddable": "grey",
}
CLASS: Final[dict[str, str]] = {
    "chat": "orange",
    "checkout": "green",
    "payment": "blue",
    "status": "sky",
    "menu": "grey",
}
SERVICE: Final[dict[str, str]] = {
    "inference": "orange",
    "gateway": "blue",
    "orders": "green",
    "dispatch": "violet",
}
SEQUENCE: Final = ("blue", "orange", "green", "violet", "sky", "red", "yellow", "grey", "mint")


def by_position(index: int) -> str:
    """The colour of the n-th of things that have no colour of their own."""
    return SEQUENCE[index % len(SEQUENCE)]
