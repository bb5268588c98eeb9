"""events.json: what happened to replicas and to the run, as it was seen. Times since the run's start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from teastorm.verdict.fields import Fields, Json

LEFT_BEHIND = "left_behind"
"""Kind of an event: `what` could not be ended or removed when the shop was torn down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A row of events.json."""

    t_s: float
    kind: str
    service: str
    replica: str
    details: Mapping[str, Json]


def parse_event(row: Fields) -> Event:
    """One row; `RunFolderError` names a missing or mistyped field."""
    return Event(
        t_s=row.number("t_s"),
        kind=row.text("kind"),
        service=row.text("service", ""),
        replica=row.text("replica", ""),
        details=row.json(),
    )


def left_behind(events: Iterable[Event]) -> list[str]:
    """What was left of the shop when it had been torn down."""
    return [str(event.details.get("what", "")) for event in events if event.kind == LEFT_BEHIND]
