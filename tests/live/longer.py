"""An experiment whose recovery is watched for longer than its file asks for."""

from __future__ import annotations

from pathlib import Path

import yaml

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SLOWEST_S = 12.0


def held_for(hold_s: float, folder: Path, name: str = "overload-3x") -> Path:
    """A copy of an experiment and of its objectives: recovery has to hold for `hold_s` seconds."""
    slo = yaml.safe_load((EXPERIMENTS / "slo.yaml").read_text())
    slo["terms"]["recovery_hold_s"] = hold_s
    slo["objectives"]["recovery-held"]["limit"] = hold_s
    (folder / "slo.yaml").write_text(yaml.safe_dump(slo))
    document = yaml.safe_load((EXPERIMENTS / f"{name}.yaml").read_text())
    begin = document["method"][0]["provider"]["arguments"]
    begin["after_s"] = hold_s + SLOWEST_S
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document))
    return path
