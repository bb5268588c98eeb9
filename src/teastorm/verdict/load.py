"""load.json: what the generator says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.fields import Fields

SCHEMA = "teastorm.load/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSummary:
    """load.json: what the generator says of itself.

    `absent` counts follow-ups (a payment, a status) whose order never came to be; `interrupted`
    says that it was ended before its time.
    """

    planned: int
    sent: int
    unsent: int
    absent: int
    lag_p99_s: float
    cpu_share: float
    stolen_share: float
    workers: int
    seconds: float
    interrupted: bool


def parse_load(raw: Fields) -> LoadSummary:
    """The summary; `RunFolderError` names a missing, mistyped or negative field."""
    raw.refuse_other_schema(SCHEMA)
    for name in ("planned", "sent", "unsent", "absent"):
        if raw.has(name) and raw.whole(name) < 0:
            raise RunFolderError(f"{raw.at(name)} must be 0 or more, got {raw.whole(name)}.")
    return LoadSummary(
        planned=raw.whole("planned"),
        sent=raw.whole("sent"),
        unsent=raw.whole("unsent"),
        absent=raw.whole("absent", 0),
        lag_p99_s=raw.number("lag_p99_s"),
        cpu_share=raw.number("cpu_share"),
        stolen_share=raw.number("stolen_share", 0.0),
        workers=raw.whole("workers", 1),
        seconds=raw.number("seconds", 0.0),
        interrupted=raw.flag("interrupted", False),
    )
