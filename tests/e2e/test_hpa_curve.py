"""The real HPA from one replica to eight and back, and what port and simulator make of the same.

Two loads: what a shorter, steeper one tells of the replicas' CPU and start-up and of the metrics'
delays is what the curve of the other is predicted with. Records stay in TEASTORM_E2E_RUNS.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import pytest
import yaml

from teastorm.load.curve import DemandCurve
from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.settings import Mix
from teastorm.platforms.kubernetes.settings import ClusterSettings
from teastorm.simulate.models import InferenceModel
from teastorm.tune.hpa_model import check_hpa
from teastorm.tune.hpa_record import HpaRecord
from teastorm.tune.on_cluster import Drive, drive

pytestmark = pytest.mark.slow

MOST = 8
SEEDS = range(1, 6)
# Small replicas, so that two cores hold eight: 8 answers a second at a full batch, which then
# burns most of what the pod asks for.
MODEL = InferenceModel(max_num_seqs=4, startup_s=3.0)
BURN_SHARE = 0.06
REQUEST = "80m"
TARGET_PERCENT = 60
PEAK_RPS = 44.0
LOW_SHARE = 0.08
LOW_S, RAMP_S, HIGH_S, LAST_S = 60, 240, 120, 150


def values(folder: Path) -> Path:
    path = folder / "values.yaml"
    autoscaling = {
        "enabled": True,
        "minReplicas": 1,
        "maxReplicas": MOST,
        "targetCPUUtilization": TARGET_PERCENT,
    }
    resources = {"requests": {"cpu": REQUEST, "memory": "96Mi"}, "limits": {"memory": "256Mi"}}
    path.write_text(
        yaml.safe_dump({"inference": {"resources": resources, "autoscaling": autoscaling}})
    )
    return path


def hill(share: float) -> LoadPlan:
    """Calm, up, a plateau, down, calm; `share` of the lengths."""
    ends = [0.0]
    for part_s in (LOW_S, RAMP_S, HIGH_S, RAMP_S, LAST_S):
        ends.append(ends[-1] + part_s * share)
    rates = (LOW_SHARE, LOW_SHARE, 1.0, 1.0, LOW_SHARE, LOW_SHARE)
    # A curve is stepped once a minute of its day; four times as long, it is once in 15 s.
    curve = DemandCurve(name="a hill", minutes=tuple(end / 15 for end in ends), rates=rates)
    return LoadPlan(
        capacity_rps=PEAK_RPS,
        phases=(Phase(name="hill", seconds=ends[-1], factor=1.0, curve=curve, fault=True),),
        mix=Mix(critical_rps=0.5, menu_per_chat=0.0),
    )


def tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = os.environ.get("TEASTORM_E2E_RUNS")
    found = Path(kept).absolute() if kept else tmp_path_factory.mktemp("curve")
    found.mkdir(parents=True, exist_ok=True)
    return found


def recorded(settings: ClusterSettings, folder: Path, seed: int, share: float) -> HpaRecord:
    run_dir = folder / f"hpa-curve-{seed}"
    run_dir.mkdir(parents=True, exist_ok=True)
    wish = Drive(
        settings=dataclasses.replace(settings, values=(*settings.values, values(run_dir))),
        plan=hill(share),
        seed=seed,
        model=MODEL,
        burn_share=BURN_SHARE,
    )
    return drive(wish, run_dir, tell)


def test_one_to_eight_and_back_is_predicted(settings: ClusterSettings, folder: Path) -> None:
    first = recorded(settings, folder, 1, 0.5)
    record = recorded(settings, folder, 2, 1.0)
    found = check_hpa(record, SEEDS, first)
    tell(f"{found.ready} {found.wanted} {found.calibrated}")
    ready = [look.ready for look in record.looks]
    assert (ready[0], max(ready), ready[-1]) == (1, MOST, 1)
    assert found.port.known >= 0.8 * len(found.port.syncs)
    assert found.port.equal == found.port.known, found.port.as_json()
    assert found.ready.met, found.ready
