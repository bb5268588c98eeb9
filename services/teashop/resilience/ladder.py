"""The degradation ladder, and the contract that says who may stand on which rung, when.

The contract is data: the gateway descends by it and the verdict checks answers against it, row by
row. Chat needs inference; checkout, payment and status never wait on AI.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Rung(StrEnum):
    """How an answer came about (`X-Degradation`), best first; `none` has no ladder."""

    FULL = "full"
    SHORT = "short"
    CACHE = "cache"
    RULES = "rules"
    MENU = "menu"
    TICKET = "ticket"
    REFUSED = "refused"
    NONE = "none"


type Row = Mapping[str, tuple[Rung, ...]]
type Contract = Mapping[tuple[str, str], Row]

CLASSES: Final = ("chat", "checkout", "payment", "status", "menu")
DEPENDENCIES: Final = ("inference", "orders", "dispatch")
STATES: Final = ("full", "overloaded", "out")

NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "chat": ("inference",),
    "checkout": ("orders", "dispatch"),
    "payment": ("orders",),
    "status": ("orders", "dispatch"),
    "menu": (),
}
"""What each class needs; a dependency that is not in its list must not touch it."""

_GOOD: Final = (Rung.NONE,)
_REFUSED: Final = (Rung.REFUSED,)
_MAYBE: Final = (Rung.NONE, Rung.REFUSED)
_CHAT: Final = (Rung.FULL, Rung.SHORT, Rung.CACHE)
_CHAT_CHEAP: Final = (Rung.CACHE, Rung.RULES, Rung.MENU, Rung.TICKET, Rung.REFUSED)


def _row(**changes: tuple[Rung, ...]) -> Row:
    """A row in which every class is unaffected but those named."""
    return {"chat": _CHAT} | dict.fromkeys(CLASSES[1:], _GOOD) | changes


CONTRACT: Final[dict[tuple[str, str], Row]] = {
    ("inference", "full"): _row(),
    ("inference", "overloaded"): _row(chat=(Rung.FULL, Rung.SHORT, *_CHAT_CHEAP)),
    ("inference", "out"): _row(chat=_CHAT_CHEAP),
    ("orders", "full"): _row(),
    ("orders", "overloaded"): _row(checkout=_MAYBE),
    ("orders", "out"): _row(checkout=_REFUSED, payment=_REFUSED, status=_REFUSED),
    ("dispatch", "full"): _row(),
    ("dispatch", "overloaded"): _row(checkout=_MAYBE),
    ("dispatch", "out"): _row(checkout=_MAYBE),
}
"""(dependency, state) -> class -> the rungs allowed; `refused` always with Retry-After."""

LATER: Final = frozenset(
    {
        ("dispatch", "overloaded", "checkout"),
        ("dispatch", "out", "checkout"),
        ("dispatch", "out", "status"),
    }
)
"""Where an answer may carry `eta_s: null` ("accepted, the time follows")."""


def allowed(dependency: str, state: str, klass: str) -> tuple[Rung, ...]:
    """The rungs on which `klass` may be answered while `dependency` is in `state`.

    Raises:
        ValueError: one of the three is not in the contract.
    """
    row = CONTRACT.get((dependency, state))
    if row is None or klass not in row:
        raise ValueError(
            f"the degradation contract has no row {dependency}/{state} for class {klass!r}."
        )
    return row[klass]


def allowed_in(states: Mapping[str, str], klass: str) -> frozenset[Rung]:
    """The rungs allowed to `klass` while several dependencies are in some state at once.

    Only what the class needs counts (`NEEDS`). States that leave a choice add up; a dependency that
    is out takes away what cannot be had without it, and where that leaves nothing a refusal is the
    answer. A dependency not named is taken as full.

    Raises:
        ValueError: the class, a dependency or a state is not in the contract.
    """
    if klass not in NEEDS:
        raise ValueError(f"the degradation contract has no class {klass!r}.")
    for dependency, state in states.items():
        allowed(dependency, state, klass)
    needs = NEEDS[klass] or DEPENDENCIES[:1]
    rows = [
        (states.get(need, "full"), allowed(need, states.get(need, "full"), klass)) for need in needs
    ]
    either = frozenset(rung for _, rungs in rows for rung in rungs)
    for state, rungs in rows:
        if state == "out":
            either &= frozenset(rungs)
    return either or frozenset(_REFUSED)
