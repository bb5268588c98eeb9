"""The simulator held to a run of this very machine: its arrivals and settings, without the shop."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.live.conftest import ROOT, TEASTORM, Ran

pytestmark = [pytest.mark.live, pytest.mark.slow]

GOALS = {"goodput_rps": 0.10, "p99_s": 0.25}
"""How far the prediction may be off, as a share of what was measured."""


def check_live(folder: Path) -> tuple[int, dict[str, dict]]:
    """The exit code of `--check-live`, and its figures by name."""
    done = subprocess.run(
        [*TEASTORM, "simulate", "--check-live", str(folder), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, {row["name"]: row for row in json.loads(done.stdout)["figures"]}


def off(figure: dict) -> float:
    """How far, as a share of what was measured; nothing measured or predicted is a failure."""
    assert figure["predicted"], figure
    assert figure["measured"], figure
    return abs(figure["predicted"] / figure["measured"] - 1)


def test_the_overload_is_foretold(protected: Ran):
    assert (protected.code, protected.not_passed()) == (0, {})
    code, figures = check_live(protected.folder)
    found = {name: off(figures[name]) for name in GOALS}
    assert {name: error for name, error in found.items() if error > GOALS[name]} == {}, figures
    assert code == 0
