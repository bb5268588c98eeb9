"""Live runs: the whole shop as processes, real load, the verdict of the tool itself.

A run is repeated, twice at most, when it came out inconclusive or without a sound baseline
(exit 4 or 3), or when processes that have nothing to do with it took CPU from it meanwhile,
which `tests.live.bystanders` measures; a machine whose CPU is being stolen is waited for first. A
run that deviated on a machine of its own is never repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.calm import wait_for_calm
from tests.live.bystanders import Bystanders

ROOT = Path(__file__).parents[2]
TEASTORM = [sys.executable, "-m", "teastorm.cli.main"]
LIMIT_S = 240
VOID = {3, 4}
DISTURBED_CORES = 0.35


@dataclass(frozen=True)
class Ran:
    """One finished run of the tool."""

    code: int
    result: dict
    stderr: str
    folder: Path
    foreign_cores: float = 0.0

    def check(self, name: str) -> dict:
        return next(c for c in self.result["checks"] if c["id"] == name)

    def failed(self) -> set[str]:
        return {c["id"] for c in self.result["checks"] if c["status"] == "fail"}

    def not_passed(self) -> dict[str, str]:
        return {c["id"]: c["why"] for c in self.result["checks"] if c["status"] != "pass"}


type Run = Callable[..., Ran]


def run_once(runs: Path, *args: str, env: dict[str, str] | None = None, tool=TEASTORM) -> Ran:
    before = set(runs.iterdir()) if runs.exists() else set()
    with Bystanders() as others:
        done = subprocess.run(
            [*tool, "run", *args, "--json", "--runs-dir", str(runs)],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    assert done.stdout, done.stderr
    new = sorted(set(runs.iterdir()) - before)
    result = json.loads(done.stdout)
    return Ran(done.returncode, result, done.stderr, new[-1], others.most_cores)


@pytest.fixture(scope="session")
def state(tmp_path_factory) -> Iterator[Path]:
    """A state folder of the session's own, so that K is measured once and nobody is disturbed."""
    folder = tmp_path_factory.mktemp("state")
    before = os.environ.get("TEASTORM_STATE_DIR")
    os.environ["TEASTORM_STATE_DIR"] = str(folder)
    yield folder
    left = subprocess.run(
        [*TEASTORM, "down"], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    if before is None:
        del os.environ["TEASTORM_STATE_DIR"]
    else:
        os.environ["TEASTORM_STATE_DIR"] = before
    assert left.returncode == 0, left.stderr


@pytest.fixture(scope="session")
def run(state: Path, tmp_path_factory) -> Run:
    """Runs an experiment and gives what came out, conclusive where the machine allows it."""
    kept = os.environ.get("TEASTORM_LIVE_RUNS")
    runs = Path(kept).absolute() if kept else tmp_path_factory.mktemp("runs")
    runs.mkdir(parents=True, exist_ok=True)

    def conclusive(*args: str) -> Ran:
        for _ in range(3):
            ran = run_once(runs, *args)
            if ran.code not in VOID and ran.foreign_cores < DISTURBED_CORES:
                break
            wait_for_calm()
        return ran

    return conclusive


@pytest.fixture(scope="session")
def protected(run: Run) -> Ran:
    return run("overload-3x", "--arm", "protected", "--seed", "1")


@pytest.fixture(scope="session")
def unprotected(run: Run) -> Ran:
    return run("overload-3x", "--arm", "unprotected", "--seed", "1")
