"""tools/experiments with stand-ins for kubectl and the tool: which runs, where, and what it exits with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODES = """
case "$2" in overload-3x) exit 1 ;; node-drain) exit 4 ;; esac
"""

type Run = Callable[..., tuple[subprocess.CompletedProcess[str], list[str]]]


@pytest.fixture
def experiments(tmp_path: Path) -> Run:
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "experiments").mkdir()
    for name in ("slo", "milk-tea-day-12x", "overload-3x", "node-drain", "below-capacity"):
        (tmp_path / "experiments" / f"{name}.yaml").touch()
    for name in ("charts/teashop/values-ci.yaml", "mine.yaml", "more.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name, script in {
        "bin/kubectl": "echo here",
        ".venv/bin/teastorm": f'echo "$@" >>{tmp_path}/calls{CODES}',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(*words: str, **environment: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        calls = tmp_path / "calls"
        calls.write_text("")
        done = subprocess.run(
            ["bash", str(tmp_path / "tools" / "experiments"), *words],
            env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done, calls.read_text().splitlines()

    return run


def test_all_of_them_run_but_the_day_and_the_worst_code_counts(experiments: Run) -> None:
    done, calls = experiments()
    assert [call.split()[1] for call in calls] == ["below-capacity", "node-drain", "overload-3x"]
    assert done.returncode == 4
    assert "on context here" in done.stderr
    assert all("--platform kubernetes --context here" in call for call in calls)


def test_one_is_run_by_its_name_with_its_arm_and_seed(experiments: Run) -> None:
    done, (call,) = experiments("overload-3x", KUBE="prod", ARM="unprotected", SEED="7")
    assert done.returncode == 1
    assert call == (
        "run overload-3x --platform kubernetes --context prod "
        "--values charts/teashop/values-ci.yaml --arm unprotected --seed 7"
    )


def test_other_values_may_be_named(experiments: Run) -> None:
    _, (call,) = experiments("below-capacity", KUBE_VALUES="mine.yaml:more.yaml")
    assert "--values mine.yaml --values more.yaml --arm" in call
    assert "values-ci.yaml" not in call


def test_values_that_are_not_there_are_told_before_anything_runs(experiments: Run) -> None:
    done, calls = experiments(KUBE_VALUES="mine.yaml:gone.yaml")
    assert (done.returncode, calls) == (2, [])
    assert done.stderr.endswith("KUBE_VALUES: gone.yaml: no such file\n")
