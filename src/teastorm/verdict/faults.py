"""faults.json: what was done to the shop, and the identities before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.fields import Fields, Json, nearest

FAULT_KINDS = (
    "surge",
    "replica-loss",
    "loss-of-all",
    "container-kill",
    "rolling-restart",
    "node-drain",
    "database-outage",
    "hang",
    "crash",
    "latency",
    "errors",
    "edge-latency",
    "edge-errors",
    "partition",
    "name-resolution",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of faults.json; a time is None when it never happened.

    `healed_s` is when the shop was seen whole again; folders from before it was kept have none.
    """

    id: str
    kind: str
    service: str
    planned: Mapping[str, Json]
    began_s: float | None
    ended_s: float | None
    before: tuple[str, ...]
    after: tuple[str, ...]
    proved: bool
    evidence: str
    rolled_back: bool
    healed_s: float | None = None

    @property
    def is_surge(self) -> bool:
        """Whether the fault is load rather than something broken."""
        return self.kind == "surge"

    @property
    def is_out(self) -> bool:
        """Whether every replica of the service was taken."""
        return self.kind in {"loss-of-all", "out"}

    @property
    def is_loss(self) -> bool:
        """Whether replicas were taken."""
        return self.is_out or "loss" in self.kind or "kill" in self.kind

    @property
    def replaces(self) -> bool:
        """Whether it leaves other processes behind than it found."""
        return self.is_loss or self.kind == "rolling-restart"


def parse_faults(rows: tuple[Fields, ...]) -> tuple[Fault, ...]:
    """The faults; `RunFolderError` names a missing, mistyped or contradictory field."""
    found = tuple(_fault(row) for row in rows)
    seen: set[str] = set()
    for row, fault in zip(rows, found, strict=True):
        if fault.id in seen:
            raise RunFolderError(f"{row.at('id')}: {fault.id} is there twice; run it again.")
        seen.add(fault.id)
    return found


def _fault(row: Fields) -> Fault:
    kind = row.text("kind")
    if kind not in FAULT_KINDS:
        raise RunFolderError(
            f"{row.at('kind')}: {kind} is no kind of fault; {nearest(kind, FAULT_KINDS)}."
        )
    began_s = row.seconds("began_s") if row.has("began_s") else None
    ended_s = row.seconds("ended_s") if row.has("ended_s") else None
    if ended_s is not None and (began_s is None or ended_s < began_s):
        raise RunFolderError(
            f"{row.at('ended_s')}: {ended_s:g} is before it began ({began_s}); run it again."
        )
    return Fault(
        id=row.text("id"),
        kind=kind,
        service=row.text("service", ""),
        planned=row.mapping("planned", optional=True).json(),
        began_s=began_s,
        ended_s=ended_s,
        before=tuple(_identity(item) for item in row.items("before", optional=True)),
        after=tuple(_identity(item) for item in row.items("after", optional=True)),
        proved=row.flag("proved"),
        evidence=row.text("evidence", ""),
        rolled_back=row.flag("rolled_back", False),
        healed_s=row.seconds("healed_s") if row.has("healed_s") else None,
    )


def _identity(row: Fields) -> str:
    """Name, process and start as one text: equal texts are the same process."""
    if uid := row.text("uid", ""):
        return f"{row.text('replica', '')} (uid {uid}, restarts {row.data.get('restarts', 0)})"
    started = row.data.get("started", row.data.get("start_time", ""))
    return f"{row.text('replica', '')} (pid {row.data.get('pid', '?')}, started {started})"
