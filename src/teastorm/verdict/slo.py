"""slo.yaml: the objectives, apart from the experiments that are held to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import yaml

from teastorm import strict_yaml
from teastorm.verdict.errors import RunFolderError
from teastorm.verdict.fields import Fields
from teastorm.verdict.registry import known_ids

SCHEMA = "teastorm.slo/1"
_TOP = ("schema", "objectives", "terms")
_ROW = ("limit", "n_min")
# Checks that are younger than run folders which are still judged: those know no objective for them.
YOUNGER = frozenset({"replicas-lived"})
# Checks whose value is a share (or an index) from 0 to 1: a limit of 15 for 15 % would always hold.
SHARES = frozenset(
    {
        "fault-proved",
        "offered-rate-reached",
        "capacity-sound",
        "baseline-sound",
        "rollback-proved",
        "goodput-retention",
        "ai-utilisation",
        "wasted-work",
        "critical-success",
        "critical-plus-success",
        "over-shedding",
        "refusals-labelled",
        "retry-after-present",
        "refusals-explained",
        "degradation-contract",
        "priority-order",
        "fairness",
        "promises-kept",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A check's bound, in the check's unit, and the least samples that make it conclusive."""

    limit: float
    n_min: int

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise ValueError(f"limit must be 0 or more, got {self.limit:g}")
        if self.n_min < 1:
            raise ValueError(f"n_min must be 1 or more, got {self.n_min}: nothing proves nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What several checks share. Times in seconds, shares from 0 to 1."""

    baseline_s: float = 10.0
    baseline_refused_share: float = 0.005
    recovery_hold_s: float = 20.0
    recovery_window_s: float = 5.0
    recovery_good_drop: float = 0.05
    recovery_p99_ratio: float = 1.2
    contract_grace_s: float = 1.0
    cpu_share_max: float = 0.9
    stolen_share_max: float = 0.3
    unsent_share_max: float = 0.01
    capacity_good_share: float = 0.98
    capacity_step_requests: int = 300

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if value < 0 or ("share" in name and value > 1):
                allowed = "from 0 to 1" if "share" in name else "0 or more"
                raise ValueError(f"{name} must be {allowed}, got {value:g}")
        if not self.baseline_s > 0:
            raise ValueError(f"baseline_s must be above 0, got {self.baseline_s:g}")
        if self.recovery_hold_s < self.recovery_window_s or self.recovery_window_s <= 0:
            raise ValueError("recovery_hold_s must be at least recovery_window_s, both above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """Every check's objective, and the shared terms."""

    objectives: Mapping[str, Objective]
    terms: Terms

    def objective(self, check_id: str) -> Objective:
        """The objective of a check; KeyError for an id the loader did not know."""
        return self.objectives[check_id]

    def with_overrides(self, overrides: object, where: str) -> Slo:
        """The same, with an experiment's own {id: {limit, n_min}} put over it."""
        fields = Fields.of(overrides, where)
        fields.refuse_unknown(known_ids())
        merged = dict(self.objectives)
        for name in fields.data:
            merged[name] = _objective(name, fields.mapping(name), merged[name])
        return replace(self, objectives=MappingProxyType(merged))

    def as_json(self) -> dict[str, object]:
        """As it is written into run.json, and read by `parse_slo` again."""
        return {
            "schema": SCHEMA,
            "objectives": {
                name: {"limit": row.limit, "n_min": row.n_min}
                for name, row in self.objectives.items()
            },
            "terms": {name: getattr(self.terms, name) for name in Terms.__dataclass_fields__},
        }


def load_slo(path: Path) -> Slo:
    """The objectives in a YAML file; `RunFolderError` in one sentence when it is not right."""
    try:
        return _of_text(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise RunFolderError(
            f"{path}: cannot be read ({error.strerror}); name another file."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())[:120]
        raise RunFolderError(f"{path}: is not YAML ({line}); mend that line.") from error


@lru_cache(maxsize=4)
def _of_text(text: str, where: str) -> Slo:
    """Kept, for a catalogue reads the same objectives once for each of its experiments."""
    return parse_slo(strict_yaml.load(text), where)


def parse_slo(raw: object, where: str, *, may_lack: Collection[str] = ()) -> Slo:
    """The objectives in a mapping. Refuses unknown names (with the nearest) and missing ones.

    Those of `may_lack` that are not there have no objective.
    """
    top = Fields.of(raw, where)
    top.refuse_unknown(_TOP)
    top.refuse_other_schema(SCHEMA)
    rows = top.mapping("objectives")
    ids = known_ids()
    rows.refuse_unknown(ids)
    ids = tuple(name for name in ids if name in rows.data or name not in may_lack)
    for name in ids:
        if name not in rows.data:
            raise RunFolderError(f"{rows.at(name)} is missing; write its limit and n_min.")
    objectives = {name: _objective(name, rows.mapping(name), None) for name in ids}
    given = top.mapping("terms", optional=True)
    given.refuse_unknown(Terms.__dataclass_fields__)
    numbers = given.numbers()
    try:
        terms = Terms(
            **{
                name: int(value) if name == "capacity_step_requests" else value
                for name, value in numbers.items()
            }  # type: ignore[arg-type]  # the names are checked above, the numbers by __post_init__
        )
    except ValueError as error:
        raise RunFolderError(f"{given.where}: {error}.") from error
    return Slo(objectives=MappingProxyType(objectives), terms=terms)


def _objective(name: str, row: Fields, base: Objective | None) -> Objective:
    row.refuse_unknown(_ROW)
    limit = row.number("limit") if base is None else row.number("limit", base.limit)
    n_min = row.whole("n_min") if base is None else row.whole("n_min", base.n_min)
    if name in SHARES and limit > 1:
        raise RunFolderError(f"{row.at('limit')} is a share and must be 1 at most, got {limit:g}.")
    try:
        return Objective(limit=limit, n_min=n_min)
    except ValueError as error:
        raise RunFolderError(f"{row.where}: {error}.") from error
