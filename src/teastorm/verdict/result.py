"""The verdict of a run, as result.json shows it (schema teastorm.result/1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import orjson

from teastorm.verdict.check import Check
from teastorm.verdict.faults import Fault
from teastorm.verdict.fields import Json
from teastorm.whole_file import write_whole

SCHEMA = "teastorm.result/1"
FILE = "result.json"


class Verdict(StrEnum):
    """What a run came to; each has one exit code."""

    HELD = "held"
    DEVIATED = "deviated"
    PRECONDITION = "precondition"
    INCONCLUSIVE = "inconclusive"
    ROLLBACK_FAILED = "rollback-failed"
    INTERRUPTED = "interrupted"


EXIT: Final[Mapping[Verdict, int]] = {
    Verdict.HELD: 0,
    Verdict.DEVIATED: 1,
    Verdict.PRECONDITION: 3,
    Verdict.INCONCLUSIVE: 4,
    Verdict.ROLLBACK_FAILED: 5,
    Verdict.INTERRUPTED: 130,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything that result.json says; `reason` is the verdict in one sentence."""

    experiment: str
    platform: str
    arm: str
    seed: int
    started: str
    verdict: Verdict
    reason: str
    capacity: Mapping[str, Json]
    load: Mapping[str, Json]
    checks: tuple[Check, ...]
    faults: tuple[Fault, ...]
    ledger: Mapping[str, Json]
    versions: Mapping[str, Json]
    difference: Mapping[str, Json]
    replicas: Mapping[str, int]
    timeline: Mapping[str, Json]

    @property
    def exit_code(self) -> int:
        """The exit code of the verdict."""
        return EXIT[self.verdict]

    def as_json(self) -> dict[str, object]:
        """The object of result.json."""
        return {
            "schema": SCHEMA,
            "experiment": self.experiment,
            "platform": self.platform,
            "arm": self.arm,
            "seed": self.seed,
            "started": self.started,
            "verdict": str(self.verdict),
            "exit_code": self.exit_code,
            "reason": self.reason,
            "capacity": dict(self.capacity),
            "load": dict(self.load),
            "checks": [check.as_json() for check in self.checks],
            "faults": [_fault(fault) for fault in self.faults],
            "ledger": dict(self.ledger),
            "versions": dict(self.versions),
            "difference": dict(self.difference),
            "replicas": dict(self.replicas),
            "timeline": dict(self.timeline),
        }


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "id": fault.id,
        "kind": fault.kind,
        "service": fault.service,
        "began_s": fault.began_s,
        "ended_s": fault.ended_s,
        "proved": fault.proved,
        "evidence": fault.evidence,
        "rolled_back": fault.rolled_back,
        "before": list(fault.before),
        "after": list(fault.after),
    }


def write_result(run_dir: Path, result: Result) -> Path:
    """Write result.json and evidence/<check>.json for what failed; returns result.json's path.

    Each file is written beside its name and renamed, so that nobody reads half of it.
    """
    evidence = run_dir / "evidence"
    for old in evidence.glob("*.json"):
        old.unlink()
    for check in result.checks:
        if check.evidence:
            evidence.mkdir(exist_ok=True)
            _write(evidence / f"{check.id}.json", {"check": check.id, "ids": list(check.evidence)})
    path = run_dir / FILE
    _write(path, result.as_json())
    return path


def _write(path: Path, payload: object) -> None:
    option = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
    write_whole(path, orjson.dumps(payload, option=option))
