"""The experiment that tries a choice on the live platform: the demand, the shop, the chosen HPA.

The run replays the demand, compressed, against the shop with the chosen autoscaler live (the port
decides there too).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from teastorm.runner.shop import InferenceSpeed
from teastorm.tune.demand import rates_at
from teastorm.tune.errors import SourceUnreachable, TuneInvalid
from teastorm.tune.service import Service
from teastorm.tune.session import Session
from teastorm.tune.setting import Setting

MOST_RPS = 220.0
MOST_REPLICAS = 6
REPLAY_S = 240.0
FASTEST = 30.0
"""A look each half second; more would be faster than replicas can be watched."""
BURNED_MILLI = 80
"""What the mock burns at a full batch (`burn_share` of its settings)."""
FEWEST_STEPS = 60
EXPERIMENT = "verify.yaml"
OF_REFUSALS = frozenset(
    {
        *("refusals-fast", "refusals-labelled", "refusals-explained"),
        *("retry-after-present", "priority-order"),
    }
)
"""Checks that are unknown where nobody was refused, as with settings that suffice nobody is."""
OWN_START_S = 2.0
"""Of a live replica's start: its process and loading the model, beside the scripted wait."""


def experiment(session: Session, folder: Path, template: Path) -> Path:
    """Write the experiment that tries the choice, beside what it needs; returns its path.

    Args:
        template: an experiment of this testbed that follows a demand curve.

    Raises:
        TuneInvalid: nothing was chosen, or it is too big for one machine (exit 3).
    """
    chosen = session.choice.chosen
    if chosen is None or chosen.setting is None or session.manifest is None:
        raise TuneInvalid("--verify: nothing meets the objectives, so there is nothing to verify")
    setting, service = chosen.setting, session.service
    demand = service.scenario.demand
    if demand.peak_rps > MOST_RPS or setting.max_replicas > MOST_REPLICAS:
        raise SourceUnreachable(
            f"--verify: {demand.peak_rps:.0f} requests a second on up to {setting.max_replicas} "
            f"replicas is more than one machine shows (at most {MOST_RPS:g}/s, {MOST_REPLICAS} "
            "replicas); tune a smaller shop with --peak-rps and --max-replicas"
        )
    document = yaml.safe_load(template.read_text(encoding="utf-8"))
    _fill_in(document, service, setting)
    (folder / "verify-curve.csv").write_text(_curve(session), encoding="utf-8")
    shutil.copyfile(template.parent / "slo.yaml", folder / "slo.yaml")
    path = folder / EXPERIMENT
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def _fill_in(document: dict[str, Any], service: Service, setting: Setting) -> None:
    """The template's shop, autoscaler and load become those of the choice."""
    demand = service.scenario.demand
    factor = min(FASTEST, max(1.0, demand.seconds / REPLAY_S))
    replicas = max(service.scenario.replicas, setting.min_replicas)
    extension = next(e for e in document["extensions"] if e["name"] == "teastorm")
    extension |= {
        "slo": "slo.yaml",
        "checks": [check for check in extension["checks"] if check not in OF_REFUSALS],
        "time_factor": factor,
        "replicas": {"inference": replicas},
        "startup_s": {"inference": max(0.0, service.startup_s - OWN_START_S * factor)},
        "autoscaler": {
            "hpa": "hpa.yaml",
            "request_milli": _local_request_milli(service),
            "planned": [
                {"at_s": p.at_s, "min_replicas": p.min_replicas}
                for p in setting.planned(service, demand)
            ],
        },
    }
    begin = next(a for a in document["method"] if a["provider"]["func"] == "begin_load")
    begin["provider"]["arguments"] |= {
        "curve": "verify-curve.csv",
        "factor": round(demand.peak_rps / InferenceSpeed().theory_rps(replicas), 3),
        "fault_s": round(demand.seconds / factor, 3),
    }
    document["title"] = "A tuned autoscaler on the demand it was tuned for"


def _local_request_milli(service: Service) -> int:
    """A request against which a full mock uses the share that a full replica of the model does.

    The mock burns a few hundredths of a core where a real server burns all of one; what serving
    costs on top is not in it, so a verification by CPU is rougher than by the other metrics, unless
    the model's CPU was calibrated from a run of this shop.
    """
    model = service.model
    if service.cpu_measured:
        return model.cpu_request_milli
    return max(1, round(BURNED_MILLI * model.cpu_request_milli / max(1, model.cpu_busy_milli)))


def _curve(session: Session) -> str:
    """The demand as a curve, the largest rate exactly 1.

    A load follows a curve one step a minute of it, and takes as long as it is told. So a demand of
    less than an hour has its minutes stretched: its ramps would be lost in steps of a minute.
    """
    demand = session.service.scenario.demand
    steps = max(FEWEST_STEPS, round(demand.seconds / 60))
    rates = rates_at(demand, np.linspace(0.0, demand.seconds, steps + 1))
    rates = rates / rates.max()
    rows = [f"{minute},{rate:.6g}" for minute, rate in enumerate(rates)]
    return "\n".join(["minute,relative_rate", *rows]) + "\n"
