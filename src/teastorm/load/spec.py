"""What the starter of a load tells the generator's processes, through a file in the run folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from teastorm.load.errors import PlanInvalid
from teastorm.load.plan import LoadPlan

SPEC_VARIABLE = "TEASTORM_LOAD_SPEC"
"""The environment variable that names the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """One load: what to offer, from which seed, and where.

    Attributes:
        run_dir: where the specification lies and everything else is written.
        endpoints_file: the gateways' addresses, read again while the load runs.
        t0_unix_s: the run's start on the wall clock; every recorded time is relative to it.
        workers: processes that share the schedule.
    """

    plan: LoadPlan
    seed: int
    run_dir: Path
    endpoints_file: Path
    t0_unix_s: float
    workers: int = 1

    def write(self) -> Path:
        """Into the run folder; returns the file. May raise OSError."""
        path = self.run_dir / "load-spec.json"
        raw = {
            "plan": self.plan.to_json(),
            "seed": self.seed,
            "endpoints_file": str(self.endpoints_file.resolve()),
            "t0_unix_s": self.t0_unix_s,
            "workers": self.workers,
        }
        path.write_text(json.dumps(raw), encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Spec:
        """What `write` wrote; `PlanInvalid` in one sentence otherwise."""
        try:
            raw = json.loads(path.read_bytes())
            return cls(
                plan=LoadPlan.from_json(raw["plan"]),
                seed=int(raw["seed"]),
                run_dir=path.resolve().parent,
                endpoints_file=Path(raw["endpoints_file"]),
                t0_unix_s=float(raw["t0_unix_s"]),
                workers=int(raw["workers"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PlanInvalid(f"{path}: is no load specification ({error}).") from None
