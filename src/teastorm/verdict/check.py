"""A check's answer, and the one place where a value becomes pass, fail or unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

EVIDENCE_MAX = 1000


class Status(StrEnum):
    """What a check came to."""

    PASS = "pass"  # noqa: S105 - a word of the schema, no password
    FAIL = "fail"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """What it means for the verdict that a check does not pass (DEFINITIONS, "Held")."""

    OBJECTIVE = "objective"
    VOID = "void"
    PRECONDITION = "precondition"
    LEDGER = "ledger"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check's outcome; `evidence` are ids (of requests, orders, faults) behind it."""

    id: str
    status: Status
    value: float | None
    limit: float | None
    unit: str
    n: int
    n_min: int
    why: str
    fix: str
    evidence: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.status is Status.PASS and (self.value is None or self.n < self.n_min):
            raise ValueError(f"{self.id}: a pass needs a value and n >= n_min")
        if not self.why:
            raise ValueError(f"{self.id}: a check says why")

    def as_json(self) -> dict[str, object]:
        """Its row in result.json; the evidence is a file of its own."""
        return {
            "id": self.id,
            "status": str(self.status),
            "value": self.value,
            "limit": self.limit,
            "unit": self.unit,
            "n": self.n,
            "n_min": self.n_min,
            "why": self.why,
            "fix": self.fix,
            "evidence": f"evidence/{self.id}.json" if self.evidence else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a check is held to, made from its objective; builds its answers."""

    id: str
    limit: float
    n_min: int
    unit: str
    fix: str
    at_least: bool

    def judge(
        self,
        value: float | None,
        *,
        n: int,
        why: str,
        evidence: Iterable[str] = (),
        broken: str = "",
    ) -> Check:
        """Pass, fail, or unknown when there is no value or n is below n_min.

        `broken` says that something other than the value failed: the answer is then a failure
        whatever the value, as long as there is data at all.
        """
        if value is None or not math.isfinite(value):
            return self.unknown(why, n=n)
        kept = value >= self.limit if self.at_least else value <= self.limit
        if n < self.n_min:
            return self.unknown(f"{why}; {n} samples, {self.n_min} are needed", n=n, value=value)
        status = Status.PASS if kept and not broken else Status.FAIL
        return Check(
            id=self.id,
            status=status,
            value=round(float(value), 6),
            limit=self.limit,
            unit=self.unit,
            n=n,
            n_min=self.n_min,
            why=f"{why}; {broken}" if broken else why,
            fix="" if status is Status.PASS else self.fix,
            evidence=tuple(evidence)[:EVIDENCE_MAX] if status is Status.FAIL else (),
        )

    def unknown(self, why: str, *, n: int = 0, value: float | None = None) -> Check:
        """No answer, and why there is none."""
        return Check(
            id=self.id,
            status=Status.UNKNOWN,
            value=None if value is None else round(float(value), 6),
            limit=self.limit,
            unit=self.unit,
            n=n,
            n_min=self.n_min,
            why=why,
            fix=self.fix,
        )
