"""Which checks there are: every module in `checks`, found by name, imported only to evaluate."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from teastorm.verdict import checks
from teastorm.verdict.check import Check, Role

if TYPE_CHECKING:
    from teastorm.verdict.run import Run

# Without these a verdict would rest on nothing, whatever an experiment declares.
ALWAYS = (
    "fault-proved",
    "generator-healthy",
    "baseline-sound",
    "rollback-proved",
    "replicas-lived",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A check module: its id, what its failure means, and its function."""

    id: str
    role: Role
    evaluate: Callable[[Run], Check]


@cache
def known_ids() -> tuple[str, ...]:
    """The ids of all checks; a module `goodput_retention` is the check `goodput-retention`."""
    return tuple(sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(checks.__path__)))


@cache
def entries() -> dict[str, Entry]:
    """All checks by id; ValueError when a module's ID is not its file's name."""
    found: dict[str, Entry] = {}
    for name in known_ids():
        module = importlib.import_module(f"{checks.__name__}.{name.replace('-', '_')}")
        if name != module.ID:
            raise ValueError(f"{module.__name__}: ID must be {name}, got {module.ID}")
        found[name] = Entry(id=name, role=module.ROLE, evaluate=module.evaluate)
    return found


def declared(checks: Iterable[str]) -> tuple[str, ...]:
    """The checks an experiment declares, and those that no verdict can do without."""
    return tuple(dict.fromkeys((*ALWAYS, *checks)))
