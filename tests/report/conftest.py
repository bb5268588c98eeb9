"""The report's tests draw the runs of the verdict's tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from teastorm.verdict.judge import judge
from teastorm.verdict.result import Result

MODEL = Path(__file__).parents[1] / "verdict" / "conftest.py"


@pytest.fixture(scope="session")
def run_dirs(tmp_path_factory) -> dict[str, Path]:
    """A written run folder of each arm."""
    spec = importlib.util.spec_from_file_location("model_of_a_run", MODEL)
    assert spec is not None
    assert spec.loader is not None
    model = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = model
    spec.loader.exec_module(model)
    root = tmp_path_factory.mktemp("runs")
    return {
        arm: model._build(protected=arm == "protected").write(root / arm)
        for arm in ("protected", "unprotected")
    }


@pytest.fixture(scope="session")
def results(run_dirs) -> dict[str, Result]:
    """Their verdicts."""
    return {arm: judge(run_dir) for arm, run_dir in run_dirs.items()}
