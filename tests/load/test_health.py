"""Priority over the shop is asked for and kept; where it is refused, nothing else changes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from teastorm.load.health import Stolen, stay_awake

SAY = """
import os
{before}
{do}
print(os.getpriority(os.PRIO_PROCESS, 0))
"""


def niceness(before: str, do: str) -> int:
    """Of a process of its own session, after `do`."""
    done = subprocess.run(
        [sys.executable, "-c", SAY.format(before=before, do=do)],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=30,
        check=True,
    )
    return int(done.stdout)


def test_taking_priority_nices_the_process_and_its_session() -> None:
    do = (
        "from teastorm.scheduling import take_priority\n"
        "assert take_priority(7) == 7\n"
        "from pathlib import Path\n"
        "group = Path('/proc/self/autogroup')\n"
        "assert not group.exists() or group.read_text().split()[-1] == '7', group.read_text()"
    )
    assert niceness("", do) == 7


def test_a_refused_priority_leaves_the_one_in_force() -> None:
    refuse = (
        "def refuse(*_):\n    raise PermissionError\n"
        "os.setpriority(os.PRIO_PROCESS, 0, 3)\nos.setpriority = refuse"
    )
    do = "from teastorm.load.health import run_first\nrun_first()"
    assert niceness(refuse, do) == 3


def test_a_service_that_asks_for_short_slices_keeps_its_niceness() -> None:
    do = "from teashop.serving.slices import answer_soon\nanswer_soon('gateway')"
    # Whatever the tests themselves are niced by is added.
    assert niceness("os.nice(9)", do) == niceness("os.nice(9)", "")


def test_idle_cores_are_asked_to_stay_awake_while_the_file_is_open(tmp_path: Path) -> None:
    qos = tmp_path / "cpu_dma_latency"
    qos.touch()
    held = stay_awake(qos)
    assert held is not None
    with held:
        assert not held.closed
        assert qos.read_bytes() == bytes(4)  # an s32 of microseconds: no latency at all


def test_where_idle_cores_are_not_ours_to_keep_awake_load_runs_all_the_same(tmp_path: Path) -> None:
    assert stay_awake(tmp_path / "not-here") is None
    assert stay_awake(tmp_path) is None
    full = Path("/dev/full")
    assert not full.exists() or stay_awake(full) is None


@pytest.mark.parametrize(
    ("stolen", "worst"),
    [
        ([0, 0, 0, 0, 0], 0.0),
        ([0, 1, 2, 3, 4], 0.5),
        # One bad second in two; what came before the first look is nobody's.
        ([9, 9, 10, 10, 10], 0.25),
        ([0, 0, 1, 2, 2], 0.5),
        ([0], 0.0),
        ([0, 2], 0.0),
    ],
)
def test_the_worst_two_seconds_count(stolen: list[float], worst: float) -> None:
    looks = iter([(float(s), 2.0 * second) for second, s in enumerate(stolen)])
    seen = Stolen(lambda: next(looks))
    for _ in stolen[1:]:
        seen.look()
    assert seen.worst_share == worst


def test_a_machine_that_tells_nothing_had_nothing_stolen() -> None:
    seen = Stolen(lambda: (0.0, 0.0))
    for _ in range(3):
        seen.look()
    assert seen.worst_share == 0.0


def test_this_machine_can_be_asked() -> None:
    seen = Stolen()
    for _ in range(3):
        seen.look()
    assert 0.0 <= seen.worst_share <= 1.0
