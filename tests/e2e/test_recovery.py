"""A run killed with -9 in mid-fault: the next command finds its fault on the cluster and ends it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.conftest import Tool, Until

from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.api import Api
from teastorm.platforms.kubernetes.effects import Effects
from teastorm.platforms.kubernetes.errors import NotThere
from teastorm.platforms.kubernetes.namespace import path_of
from teastorm.platforms.kubernetes.settings import ClusterSettings

RUNNER = """
import sys, threading
from teastorm.platforms.base import ShopPlan
from teastorm.platforms.kubernetes.platform import KubernetesPlatform
from teastorm.platforms.kubernetes.settings import ClusterSettings
from pathlib import Path
platform = KubernetesPlatform(ClusterSettings(context=sys.argv[1], chart=Path(sys.argv[2]),
    values=tuple(Path(name) for name in sys.argv[3:])))
platform.deploy(ShopPlan(replicas={"gateway": 1, "inference": 2}))
platform.wait_ready(platform.ready_within_s)
platform.operations.freeze(platform.replicas("gateway")[0].replica_id)
platform.pause_replacing("inference")
print("faulty", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def died(settings: ClusterSettings) -> None:
    words = [settings.context, str(settings.chart), *map(str, settings.values)]
    process = subprocess.Popen(
        [sys.executable, "-c", RUNNER, *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "faulty\n"
    process.kill()
    process.wait()


def test_the_next_command_finds_and_ends_it(
    died: None, tool: Tool, api: Api, settings: ClusterSettings, until: Until
) -> None:
    told = tool("status", "--json")
    content = json.loads(told.stdout)
    assert (told.returncode, content["state"]) == (3, "leftovers")
    assert sorted(fault["kind"] for fault in content["faults"]) == ["frozen", "scaled"]
    refused = tool("run", "below-capacity", "--json")
    assert refused.returncode == 3
    assert "teastorm rollback" in json.loads(refused.stdout)["error"]
    ended = tool("rollback", "--json")
    assert (ended.returncode, len(json.loads(ended.stdout)["ended"])) == (0, 2)
    assert not Effects(api, settings.namespace).read()
    until(lambda: _ready(tool) == {"gateway": 1, "inference": 2}, "the shop is whole again")
    assert tool("down").returncode == 0
    with pytest.raises(NotThere):
        api.get(path_of(settings.namespace))


def _ready(tool: Tool) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in json.loads(tool("status", "--json").stdout)["replicas"]:
        if row["ready"] and row["service"] in ShopPlan().replicas:
            counts[row["service"]] = counts.get(row["service"], 0) + 1
    return counts


def test_a_run_interrupted_under_load_leaves_the_cluster_as_it_was(
    tool: Tool, tmp_path: Path, until: Until
) -> None:
    log = tmp_path / "log"
    runner = tool.start("run", "replica-loss-inference", log=log)
    try:
        until(lambda: json.loads(tool("status", "--json").stdout)["replicas"], "pods are there")
        runner.send_signal(signal.SIGINT)
        assert runner.wait(timeout=200) == 130, log.read_text()
    finally:
        if runner.poll() is None:
            runner.kill()
    assert json.loads(tool("status", "--json").stdout)["state"] == "nothing"
