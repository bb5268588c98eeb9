"""Live sabotage: one thing is really broken, and the run does not come out as held.

Each case names the check that has to notice. Shorter fault phases than the experiment's own keep
the suite bearable; what is not noticed here would not be noticed in a longer run either.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.live.conftest import Ran, run_once

pytestmark = [pytest.mark.live, pytest.mark.slow]

TOOL = [sys.executable, str(Path(__file__).parent / "sabotage" / "tool.py")]
SURGE = ("overload-3x", "--duration", "10")
LOSS = ("replica-loss-inference",)


@pytest.mark.parametrize(
    ("what", "experiment", "check", "codes"),
    [
        ("no-kill", LOSS, "fault-proved", {4}),
        ("starve", SURGE, "generator-healthy", {3, 4}),
        ("lose-order", SURGE, "ledger-no-loss", {1}),
        ("blank-metrics", SURGE, "offered-rate-reached", {3, 4}),
        ("strip-retry-after", SURGE, "retry-after-present", {1, 4}),
        ("swap-priorities", SURGE, "priority-order", {1, 4}),
    ],
)
def test_what_is_really_broken_is_noticed(state, tmp_path, what, experiment, check, codes):
    ran: Ran = run_once(tmp_path, *experiment, tool=[*TOOL, what])
    assert ran.check(check)["status"] != "pass", ran.check(check)
    assert ran.code in codes, ran.not_passed()
