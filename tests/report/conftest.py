"""The report's tests draw the runs of the verdict's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.verdict.world_evidence import build

from teastorm.verdict.judge import judge
from teastorm.verdict.result import Result


@pytest.fixture(scope="session")
def run_dirs(tmp_path_factory) -> dict[str, Path]:
    """A written run folder of each arm."""
    root = tmp_path_factory.mktemp("runs")
    return {
        arm: build(protected=arm == "protected").write(root / arm)
        for arm in ("protected", "unprotected")
    }


@pytest.fixture(scope="session")
def results(run_dirs) -> dict[str, Result]:
    """Their verdicts."""
    return {arm: judge(run_dir) for arm, run_dir in run_dirs.items()}
