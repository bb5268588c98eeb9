"""Two eyes on one shop: the flight recorder by proxy, and the release's own Prometheus."""

from __future__ import annotations

import http.client
import os
import time
from pathlib import Path

import pytest
from tests.e2e.conftest import Until

from teastorm.observe.prometheus import connect
from teastorm.observe.recorded import open_recording
from teastorm.observe.recorder import FlightRecorder
from teastorm.observe.source import NoDataError
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.platform import KubernetesPlatform

pytestmark = pytest.mark.slow

PROMETHEUS = os.environ.get("KUBE_PROMETHEUS", "http://127.0.0.1:9090")
ASKED = 200


def test_the_recorder_and_prometheus_count_the_same(
    kubernetes: KubernetesPlatform, tmp_path: Path, until: Until
) -> None:
    kubernetes.deploy(ShopPlan(replicas={"gateway": 2}))
    kubernetes.wait_ready(kubernetes.ready_within_s)
    t0_s, t0_unix_s = time.monotonic(), time.time()
    prometheus = connect(PROMETHEUS, t0_unix_s=t0_unix_s, lookback_s=12.0)
    labels = {"route": "menu"}

    def counted() -> float:
        now_s = time.monotonic() - t0_s
        return prometheus.counter_increase("teashop_offered_total", labels, 0.0, now_s)

    def answers() -> bool:
        try:
            return counted() >= 0
        except NoDataError:
            return False

    until(answers, "Prometheus answers", 30)
    recorder = FlightRecorder(kubernetes.targets, t0_s=t0_s)
    recorder.start()
    # A counter that was there before the first look counts from that look on.
    until(lambda: recorder.rounds >= 2, "the recorder has looked at all")
    host, _, port = kubernetes.settings.door.rpartition(":")
    for _ in range(ASKED):
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        connection.request("GET", "/menu", headers={"X-User": "e2e"})
        connection.getresponse().read()
        connection.close()
    until(lambda: counted() >= ASKED, "Prometheus has scraped them all", 30)
    end_s = time.monotonic() - t0_s
    recorder.stop()
    recorder.write(tmp_path / "metrics.parquet")
    recording = open_recording(tmp_path / "metrics.parquet")
    ours = recording.counter_increase("teashop_offered_total", labels, 0.0, end_s)
    assert ours == counted() == ASKED
