"""plan.json: which load was to come when. Times in seconds since the run's start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.fields import Fields
from teastorm.verdict.window import Window

SCHEMA = "teastorm.plan/1"
ROUNDING_S = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of the plan; `chat_rps` is None where only a curve knows the rate."""

    name: str
    window: Window
    factor: float
    chat_rps: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """plan.json."""

    phases: tuple[Phase, ...]
    base_factor: float
    fault: Window
    classes: Mapping[str, int]
    arrivals: int


def parse_plan(raw: Fields) -> Plan:
    """The plan; `RunFolderError` names a wrong field, or what contradicts itself."""
    raw.refuse_other_schema(SCHEMA)
    phases = tuple(
        Phase(
            name=row.text("name"),
            window=_window(row),
            factor=row.number("factor", 1.0),
            chat_rps=row.number("chat_rps") if row.has("chat_rps") else None,
        )
        for row in raw.items("phases")
    )
    if not phases:
        raise RunFolderError("plan.json: phases is empty; run the experiment again.")
    for before, after in pairwise(phases):
        if abs(after.window.start_s - before.window.end_s) > ROUNDING_S:
            raise RunFolderError(
                f"plan.json: phases: {after.name} must start where {before.name} ends."
            )
    fault = _window(raw.mapping("fault"))
    first, last = phases[0].window.start_s, phases[-1].window.end_s
    if fault.start_s < first - ROUNDING_S or fault.end_s > last + ROUNDING_S:
        raise RunFolderError("plan.json: fault must lie within the phases.")
    given = raw.mapping("classes")
    classes = {name: given.whole(name) for name in given.data}
    arrivals = raw.whole("arrivals")
    if min(classes.values(), default=0) < 0 or sum(classes.values()) != arrivals:
        raise RunFolderError(
            f"plan.json: classes must add up to arrivals ({arrivals}), got {sum(classes.values())}."
        )
    return Plan(
        phases=phases,
        base_factor=raw.number("base_factor"),
        fault=fault,
        classes=MappingProxyType(classes),
        arrivals=arrivals,
    )


def _window(row: Fields) -> Window:
    try:
        return Window(start_s=row.seconds("start_s"), end_s=row.seconds("end_s"))
    except ValueError as error:
        raise RunFolderError(f"{row.where}: {str(error).removesuffix('.')}.") from error
