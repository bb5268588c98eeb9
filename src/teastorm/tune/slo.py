"""The objectives a setting has to meet: `good>=0.98,p99<=1.5`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final

from teastorm.tune.errors import TuneInvalid

DEFAULT: Final = "good>=0.95"
_FORM = re.compile(r"\s*(\w+)\s*(>=|<=)\s*([0-9.eE+-]+)\s*(s|%)?\s*", re.ASCII)
_SIDES: Final = {"good": ">=", "p99": "<=", "refused": "<="}
_SHARES: Final = ("good", "refused")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a setting came to, of all requests of the demand: shares, and seconds of the good."""

    good: float
    refused: float
    p99_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Slo:
    """Limits; None: not asked for. `good` and `refused` are shares, `p99_s` is of good answers."""

    good: float | None = None
    refused: float | None = None
    p99_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no service can be held to."""
        for name in _SHARES:
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise TuneInvalid(f"--slo: {name} must be a share from 0 to 1, got {share:g}")
        if self.p99_s is not None and not (math.isfinite(self.p99_s) and self.p99_s > 0):
            raise TuneInvalid(f"--slo: p99 must be above 0 s, got {self.p99_s:g}")

    @classmethod
    def parse(cls, text: str) -> Slo:
        """From `good>=0.98,p99<=1.5`; TuneInvalid in one sentence otherwise."""
        found: dict[str, float] = {}
        for part in text.split(","):
            match = _FORM.fullmatch(part)
            name = "" if match is None else match[1]
            if match is None or name not in _SIDES:
                raise TuneInvalid(
                    f"--slo: {part.strip()!r} is no objective; write e.g. good>=0.98, p99<=1.5 or "
                    "refused<=0.05, with commas between them"
                )
            if match[2] != _SIDES[name]:
                raise TuneInvalid(f"--slo: {name} needs {_SIDES[name]}, got {part.strip()!r}")
            if name in found:
                raise TuneInvalid(f"--slo: {name} is there twice; keep one")
            found[name] = _number(match[3], part) / (100 if match[4] == "%" else 1)
        return cls(good=found.get("good"), refused=found.get("refused"), p99_s=found.get("p99"))

    def excess(self, measured: Measured) -> float:
        """How far outside: the sum of relative overshoots, 0 when everything is met."""
        total = 0.0
        if self.good is not None:
            total += max(0.0, (1 - measured.good) - (1 - self.good)) / max(1 - self.good, 1e-3)
        if self.refused is not None:
            total += max(0.0, measured.refused - self.refused) / max(self.refused, 1e-3)
        if self.p99_s is not None:
            p99_s = math.inf if measured.p99_s is None else measured.p99_s
            total += min(1e3, max(0.0, p99_s - self.p99_s) / self.p99_s)
        return total

    def __str__(self) -> str:
        """As it was written."""
        parts = []
        if self.good is not None:
            parts.append(f"good>={self.good:g}")
        if self.p99_s is not None:
            parts.append(f"p99<={self.p99_s:g}")
        if self.refused is not None:
            parts.append(f"refused<={self.refused:g}")
        return ",".join(parts)


def _number(text: str, part: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise TuneInvalid(f"--slo: {part.strip()!r}: {text!r} is not a number") from None
