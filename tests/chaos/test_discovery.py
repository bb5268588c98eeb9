"""`chaos discover teastorm` shows what can be used, with arguments."""

import json
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import teastorm
from teastorm.chaos import actions, control, edges, probes

CHAOS = Path(sys.executable).with_name("chaos")


def test_every_activity_is_listed_with_its_arguments() -> None:
    found = teastorm.discover(discover_system=True)
    by_name = {activity["name"]: activity for activity in found["activities"]}
    assert set(by_name) == {*actions.__all__, *edges.__all__, *probes.__all__, *control.__all__}
    assert {a["type"] for a in by_name.values()} == {"action", "probe", "control"}
    loss = {a["name"]: a for a in by_name["lose_replica"]["arguments"]}
    assert list(loss) == ["service", "signal", "count"]
    assert loss["signal"] == {"name": "signal", "default": "KILL", "type": "string"}
    assert by_name["begin_load"]["arguments"][0] == {"name": "factor", "type": "number"}
    assert all(activity["doc"] for activity in by_name.values())
    assert "inference" in found["system"]["services"]


def test_chaos_toolkit_finds_it(tmp_path: Path) -> None:
    if not any("teastorm" in names for names in packages_distributions().values()):
        # Chaos Toolkit maps a distribution to its package by top_level.txt or by its files; an
        # editable install by hatchling has neither.
        pytest.skip("this installation of teastorm does not say which package it holds")
    target = tmp_path / "discovery.json"
    done = subprocess.run(
        [CHAOS, "discover", "--no-install", f"--discovery-path={target}", "teastorm"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = {activity["name"] for activity in json.loads(target.read_text())["activities"]}
    assert {"surge", "recovered", "before_experiment_control"} <= names
