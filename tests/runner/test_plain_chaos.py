"""An experiment under plain `chaos run`: arm and seed are configuration, and there is a verdict."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).parents[2]
TOOL = Path(__file__).with_name("plain_chaos.py")
EXPERIMENT = ROOT / "experiments" / "overload-3x.yaml"


def chaos_run(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    mine = {"PLAIN_CHAOS_FOLDER": str(folder), "TEASTORM_STATE_DIR": str(folder / "state")}
    command = ["--no-version-check", "--no-log-file", "run", str(EXPERIMENT)]
    return subprocess.run(
        [sys.executable, str(TOOL), *command],
        cwd=folder,
        env={**os.environ, **mine, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "arm", "seed"),
    [
        ({}, "protected", 1),
        ({"TEASTORM_ARM": "unprotected", "TEASTORM_SEED": "7"}, "unprotected", 7),
    ],
)
def test_arm_and_seed_have_defaults_and_come_from_the_environment(
    environment: dict[str, str], arm: str, seed: int, tmp_path: Path
) -> None:
    done = chaos_run(tmp_path, **environment)
    assert "Traceback" not in done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    written = orjson.loads((folder / "run.json").read_bytes())
    assert (written["arm"], written["seed"]) == (arm, seed)
    assert set(written["protections"].values()) == {arm == "protected"}
    result = orjson.loads((folder / "result.json").read_bytes())
    assert result["exit_code"] == 3
    # Its own exit code is of Chaos Toolkit, which knows no verdict; what it says of ours is a line.
    assert "teastorm: precondition (exit 3)" in done.stdout + done.stderr
    assert done.returncode in {0, 1}


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"TEASTORM_ARM": "half"},
            "configuration.teastorm_arm must be protected or unprotected, got 'half'",
        ),
        (
            {"TEASTORM_SEED": "one"},
            "configuration.teastorm_seed must be a whole number, got 'one'",
        ),
        (
            {"TEASTORM_SEED": "-1"},
            "configuration.teastorm_seed must be between 0 and 2147483647, got -1",
        ),
    ],
)
def test_a_wrong_configuration_starts_nothing(
    environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = chaos_run(tmp_path, **environment)
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    assert not (tmp_path / "runs").exists()
