"""The autoscaler over real processes: chats come, another replica of the AI starts."""

from __future__ import annotations

import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from tests.runner.autoscaler_parts import manifest

from teastorm.chaos.interruption import Interruption
from teastorm.chaos.site import LiveSite
from teastorm.observe.recorder import FlightRecorder
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.local.platform import LocalPlatform
from teastorm.runner.autoscaler import read_autoscaler
from teastorm.runner.live_shop import LiveShop
from teastorm.runner.scale_lag import scaled_out
from teastorm.runner.scaling import ScalerThread

pytestmark = [pytest.mark.live, pytest.mark.slow]

FACTOR = 15.0
CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
OFFERED = {
    "type": "External",
    "external": {
        "metric": {"name": "offered_rps"},
        # One caller at a time offers about two a second; half of that a replica asks for more.
        "target": {"type": "AverageValue", "averageValue": "500m"},
    },
}


def ask(port: int, number: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(
            "POST",
            "/chat",
            b'{"utterance": "one large oolong milk tea, less sugar"}',
            {"Content-Type": "application/json", "X-User": f"u{number}"},
        )
        connection.getresponse().read()
    except (OSError, HTTPException):
        pass  # refused or late: it was offered all the same
    finally:
        connection.close()


def test_a_second_replica_comes_and_its_lag_is_told(tmp_path: Path):
    plan = read_autoscaler(
        {
            "hpa": manifest(metrics=[OFFERED, CPU], minReplicas=1, maxReplicas=2),
            "request_milli": 1000,
        },
        tmp_path / "x.yaml",
        "extensions[0]",
    )
    platform = LocalPlatform(state_directory=tmp_path / "state")
    try:
        platform.deploy(
            ShopPlan(
                replicas={"inference": 1, "gateway": 1},
                time_factor=FACTOR,
                startup_s={"inference": 30},
            )
        )
        platform.wait_ready(60)
        site = LiveSite(platform, Interruption(), time.monotonic())
        recorder = FlightRecorder(platform.targets, t0_s=site.t0_s)
        live = LiveShop(
            platform=platform,
            plan=plan,
            latest=recorder.latest,
            now_s=site.now_s,
            factor=FACTOR,
            replicas=1,
        )
        scaler = ScalerThread(plan, live, note=site.note, now_s=site.now_s)
        recorder.start()
        scaler.start()
        port = int(platform.endpoints("gateway")[0].rpartition(":")[2])
        until_s, number = site.now_s() + 60, 0
        while len(platform.endpoints("inference")) < 2 and site.now_s() < until_s:
            ask(port, number := number + 1)
        scaler.stop()
        recorder.stop()
        assert len(platform.endpoints("inference")) == 2
        decisions = [row for row in site.events() if row["kind"] == "autoscale"]
        cpu = [m for row in decisions for m in row["metrics"] if m["name"] == "cpu"]
        assert any(0 < (m["utilization_percent"] or 0) <= 100 for m in cpu)
        [came] = scaled_out(site.events())
        lag = came["lag"]
        assert lag["metric_s"] == pytest.approx((15 / 2 + 5) / FACTOR, rel=0.5)
        assert 0 <= lag["sync_s"] <= 15 / FACTOR + 0.5
        assert lag["start_s"] >= 30 / FACTOR - 0.01
        assert lag["warm_up_s"] > 0.5  # the model's own second, and Python's start
    finally:
        assert not platform.tear_down()
