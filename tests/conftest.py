"""What every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Tests change policies from outside, which a compiled copy of them would not notice.
os.environ["TEASTORM_PLAIN"] = "1"

pytest_plugins = ["tests.postgres"]

# On a busy machine an example may be slow without anything being wrong. Whoever works on the code
# draws new examples in each run; what decides over a change draws the same ones every time.
# The nightly run (TEASTORM_EXAMPLES) draws more than a change can wait for.
EXAMPLES = int(os.environ.get("TEASTORM_EXAMPLES", "40"))
settings.register_profile("work", deadline=None, max_examples=EXAMPLES)
settings.register_profile("gate", deadline=None, max_examples=EXAMPLES, derandomize=True)
settings.load_profile("gate" if os.environ.get("TEASTORM_NO_SKIP") == "1" else "work")

# Modules of more than ten seconds, the longest first. A worker takes a module at a time: one of
# these taken last would be waited for by all others.
LONG = (
    "verdict/test_sabotage.py",
    "load/test_process.py",
    "platforms/test_contract.py",
    "tune/test_study.py",
    "cli/test_outlet.py",
    "tune/test_session.py",
    "experiments/test_files.py",
    "serving/test_run.py",
    "charts/test_dashboard.py",
    "simulate/test_theory.py",
    "platforms/test_kubernetes_refusals.py",
    "chaos/test_cluster_faults.py",
    "platforms/test_kubernetes_lease.py",
    "load/test_schedule.py",
    "orders/test_machine.py",
)
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long modules first, the others as they were found."""
    rank = {TESTS / name: index for index, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
