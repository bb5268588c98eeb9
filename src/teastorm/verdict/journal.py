"""journal.json: Chaos Toolkit's own record, as far as a verdict needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.fields import Fields
from teastorm.verdict.meta import RunMeta

EXTENSION = "teastorm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An activity of the journal."""

    name: str
    succeeded: bool
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Chaos Toolkit's journal, as far as a verdict needs it.

    `probes` are all activities of the method and of the steady state; `actions` those that did
    something to the shop or the load.
    `checks` and `rollbacks_wanted` are what the experiment in it declares, `faults` what its
    activities said: whether each was proved, by id.
    """

    status: str
    deviated: bool
    probes: tuple[Probe, ...]
    actions: tuple[Probe, ...]
    rollbacks: tuple[Probe, ...]
    rollbacks_wanted: int
    checks: tuple[str, ...]
    faults: Mapping[str, bool]

    @property
    def interrupted(self) -> bool:
        """Whether a person or a signal ended the run."""
        return self.status == "interrupted"


def parse_journal(raw: Fields) -> Journal:
    """The journal; `RunFolderError` names a mistyped field."""
    ran = raw.items("run", optional=True)
    experiment = raw.mapping("experiment", optional=True)
    return Journal(
        status=raw.text("status", ""),
        deviated=raw.flag("deviated", False),
        probes=tuple(_probe(row) for row in (*ran, *_steady_states(raw))),
        actions=tuple(
            _probe(row)
            for row in ran
            if row.mapping("activity", optional=True).text("type", "") == "action"
        ),
        rollbacks=tuple(_probe(row) for row in raw.items("rollbacks", optional=True)),
        rollbacks_wanted=len(experiment.items("rollbacks", optional=True)),
        checks=_declared(experiment),
        faults=MappingProxyType(dict(_faults(ran))),
    )


def refuse_other_checks(journal: Journal, meta: RunMeta) -> None:
    """Refuse a run.json that is not held to all that the journal's experiment declares."""
    for name in journal.checks:
        if name not in meta.checks:
            raise RunFolderError(
                f"run.json: checks lacks {name}, which the experiment in journal.json declares; "
                "put it back or run the experiment again."
            )


def _steady_states(raw: Fields) -> Iterator[Fields]:
    states = raw.mapping("steady_states", optional=True)
    for name in ("before", "after", "during"):
        value = states.data.get(name)
        for state in value if isinstance(value, list) else [value]:
            if isinstance(state, dict):
                fields = Fields.of(state, f"journal.json: steady_states.{name}")
                yield from fields.items("probes", optional=True)


def _probe(row: Fields) -> Probe:
    activity = row.mapping("activity", optional=True)
    succeeded = row.text("status", "") == "succeeded" and row.flag("tolerance_met", True)
    said = row.data.get("exception") or row.data.get("output")
    return Probe(
        name=activity.text("name", ""), succeeded=succeeded, said=str(said)[:200] if said else ""
    )


def _declared(experiment: Fields) -> tuple[str, ...]:
    """The checks of the experiment as Chaos Toolkit was given it; empty where it is not kept."""
    for extension in experiment.items("extensions", optional=True):
        if extension.text("name", "") == EXTENSION and extension.has("checks"):
            return extension.texts("checks")
    return ()


def _faults(ran: tuple[Fields, ...]) -> Iterator[tuple[str, bool]]:
    """The faults that activities told of when they ended: id, and whether it was proved then."""
    for row in ran:
        output = row.data.get("output")
        if isinstance(output, dict) and "id" in output and "proved" in output:
            told = Fields.of(output, f"{row.where}.output")
            yield told.text("id"), told.flag("proved")
