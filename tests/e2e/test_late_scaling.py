"""The autoscaler as it was that day against one that is ready: the same crowd, the same two replicas."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from tests.e2e.conftest import ROOT, Until

from teastorm.load.plan import LoadPlan, Phase
from teastorm.load.start import start_load
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.lag import Lag
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings

pytestmark = pytest.mark.slow  # a crowd of some minutes for each

LATE = ROOT / "charts" / "teashop" / "values-late-scaling.yaml"
CROWD_RPS = 100.0
"""Two replicas answer 64 a second: their batches are full, which the late threshold needs."""
START_UP_S = 60.0
"""Of the late profile; the other one's pods take no more than their own."""
LASTS_S = 360.0


def lag_under_a_crowd(settings: ClusterSettings, values: Path, run_dir: Path, until: Until) -> Lag:
    """How long a third replica took, from the crowd's coming, part by part."""
    run_dir.mkdir()
    platform = KubernetesPlatform(replace(settings, values=(*settings.values, values)))
    try:
        platform.deploy(ShopPlan(run_dir=run_dir))
        platform.wait_ready(240.0)
        crowd = Phase(name="crowd", seconds=LASTS_S, factor=1.0, fault=True)
        load = start_load(
            plan=LoadPlan(capacity_rps=CROWD_RPS, phases=(crowd,), base_factor=1.0),
            seed=1,
            run_dir=run_dir,
            endpoints_file=platform.door_file,
            t0_unix_s=time.time(),
        )
        since_s = time.monotonic()
        try:
            until(lambda: len(platform.endpoints("inference")) > 2, "a third is ready", LASTS_S)
        finally:
            load.stop()
        found = platform.autoscaling_lag("inference", since_s)
    finally:
        assert not platform.tear_down()
    assert found is not None
    return found


def test_late_scaling_is_late_in_its_decision_and_in_its_start(
    settings: ClusterSettings, tmp_path: Path, until: Until
) -> None:
    values = tmp_path / "ready.yaml"
    values.write_text(yaml.safe_dump({"inference": {"autoscaling": {"enabled": True}}}))
    ready = lag_under_a_crowd(settings, values, tmp_path / "ready", until)
    late = lag_under_a_crowd(settings, LATE, tmp_path / "late", until)
    assert ready.total_s is not None
    assert late.total_s is not None
    assert late.start_s is not None
    # What the profile waits by design, whatever the machine: its pods' start.
    assert late.start_s >= START_UP_S - 1
    assert late.total_s > ready.total_s + START_UP_S / 2
